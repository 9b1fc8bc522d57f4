//! The kinds of things that can be wrong with a file, each with a code that stays the same for ever, and what
//! there is to say about it. `docs/errors.md` and `harbrctl explain-error` are this list.
//!
//! The first two digits say what it is about: 00 the text and its YAML, 01 keys and values of any sort, 02
//! listeners and the node, 03 routes, 04 upstreams, 05 TLS, 06 the rollout. A number is never given a second meaning.

use std::fmt;
use std::str::FromStr;

/// Whether a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is.
    Error,
    /// It is taken; what it says is probably not what was meant.
    Warning,
}

impl Severity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal $severity:ident, $title:literal, $explanation:literal;)+) => {
        /// One kind of error or warning. Written `HR0012`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// In the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }

            /// Why that is wrong, and what to do about it: a paragraph in Markdown.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => $explanation,)+
                }
            }
        }
    };
}

codes! {
    FileTooLarge = "HR0001" Error, "the file is too large",
        "A configuration has at most 16 MiB. It is not read at all, so nothing else is said about it. Look \
         whether it is the right file; share what repeats by named `upstreams`, or by anchors and aliases.";
    NotUtf8 = "HR0002" Error, "the file is not text in UTF-8",
        "Some byte of the file is no part of a UTF-8 character; everything up to the place shown is. Save the \
         file as UTF-8, or look whether it is a binary file.";
    ForbiddenCharacter = "HR0003" Error, "a character that nobody sees",
        "Control characters, and those that one version of YAML takes for the end of a line and another does \
         not, are refused, so that a person and the program read the same. In double quotes such a character \
         can be written as an escape, `\\u2028`.";
    EmptyFile = "HR0004" Error, "the file is empty",
        "There is nothing in it but perhaps comments. A half-written file looks like that too, so it never \
         replaces what is served. The smallest file has `listen_addr`, `global_timeout_ms`, `max_connections` \
         and one route.";
    NotAMapping = "HR0005" Error, "the file is no mapping of keys to values",
        "The top level of the file is a list or plain text. It must be lines such as `max_connections: 10000`.";
    YamlSyntax = "HR0006" Error, "the YAML cannot be read",
        "The text breaks a rule of YAML at the place shown; what caused it is there or shortly above: a quote \
         or a bracket that is not closed, a `:` without a space behind it, a tab, a line that is indented \
         unlike its neighbours. Whatever else can be read of the file is checked all the same.";
    AmbiguousYaml = "HR0007" Error, "one reader of YAML understands this differently than another",
        "Two independent parsers read the file, and here they do not see the same. Rather than to guess, it \
         is refused. Put text in quotes, and a key and its value on one line.";
    SeveralDocuments = "HR0008" Error, "more than one YAML document",
        "A line `---` starts a second document. A file holds one: join them, or remove the line.";
    TooDeep = "HR0009" Error, "nested too deeply",
        "No key of the format is nested as deep as this. Look for a bracket or an indentation that is wrong.";
    TooManyValues = "HR0010" Error, "too many keys and values",
        "The file has more than 2,000,000 keys and values, a limit on the memory that reading it takes.";
    TooManyAliases = "HR0011" Error, "aliases repeat too much",
        "Anchors and aliases together repeat more than 10,000 values. A few lines can stand for billions of \
         values in this way, so there is a limit. Use a named upstream for what many routes share.";
    RecursiveAlias = "HR0012" Error, "an alias inside of what it repeats",
        "An alias (`*name`) stands inside the value of its own anchor (`&name`), which would never end.";
    YamlTag = "HR0013" Error, "a YAML tag",
        "Tags such as `!!str` are not supported. Quote a value that is text and looks like a number.";
    MergeKey = "HR0014" Error, "a merge key",
        "`<<` is not part of YAML 1.2, and readers disagree on what it does. Write the keys out, or share a \
         whole value by an anchor and an alias.";
    InvalidKey = "HR0015" Error, "a key that is no short text on one line",
        "A key is text, on one line, of at most 1,024 characters. A key that seems to be a list, a mapping or \
         several lines usually comes of a bracket or a quote that is not closed.";
    DuplicateKey = "HR0016" Error, "a key is there twice",
        "Of two equal keys in one mapping many readers take the last, without a word. Here it is an error; the \
         first one is shown as well. Remove one of them.";

    UnknownKey = "HR0101" Error, "an unknown key",
        "There is no such key here. It is an error, since a mistyped setting would be silently without effect. \
         The hint says which key may have been meant, or which there are.";
    WrongKind = "HR0102" Error, "a value of the wrong kind",
        "The value is text where a number is expected, a list where a mapping is, and so on. Quotes make text \
         of a number: `\"10\"` is not `10`.";
    NoValue = "HR0103" Error, "a key without a value",
        "Nothing stands behind the key, or YAML's `null`. Nothing is ever guessed for it: write a value, or \
         remove the key to have its default.";
    MissingKey = "HR0104" Error, "a required key is missing",
        "The mapping shown must have this key; the hint shows how it is written. Where the key is there but \
         mistyped, that is said instead.";
    OutOfRange = "HR0105" Error, "a number, duration or size outside its limits",
        "The message says from where to where the value may go. `docs/configuration.md` has all limits.";
    InvalidDuration = "HR0106" Error, "not a duration",
        "A duration is a whole number and a unit, `ms`, `s`, `m` or `h`, in one word: `250ms`, `10s`, `5m`. \
         Only keys that end in `_ms` take a bare number, of milliseconds.";
    InvalidSize = "HR0107" Error, "not a size",
        "A size is a whole number and a unit, `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, in one word: \
         `10MiB`.";
    UnknownWord = "HR0108" Error, "not one of the words that may stand here",
        "The key takes one of a few words, which the message lists; they are in lower case.";
    ExclusiveKeys = "HR0109" Error, "keys that exclude each other",
        "Both keys say the same thing, and a file says it once. The second place is the other key.";
    WrongCount = "HR0110" Error, "too few or too many of something",
        "A list or mapping has a number of items outside its limits, which the message gives.";
    InvalidName = "HR0111" Error, "not a name",
        "The names of listeners and upstreams have letters, digits and `-_.`, and at most 1,024 bytes. They \
         are labels of metrics, and never mistaken for a route's key, which has a `/`.";
    BrokenRule = "HR0112" Error, "parts that do not go together",
        "Each part of the file is good by itself, but the whole breaks a rule that proxies hold as well. The \
         message names the parts.";

    InvalidAddress = "HR0201" Error, "not an address to listen on",
        "An address is an IP address and a port: `0.0.0.0:8080`, `127.0.0.1:8080`, `[::]:8080`. Names are not \
         looked up, since what they mean can differ from node to node.";
    DuplicateListener = "HR0202" Error, "two listeners with one name",
        "A listener's name is how its node and its metrics know it. Give each its own.";
    DuplicateAddress = "HR0203" Error, "two listeners with one address",
        "Only one socket can be bound to an address. Remove one, or change its port.";
    InvalidNetwork = "HR0204" Error, "not a block of addresses",
        "A block is an address and the length of its prefix, `10.0.0.0/8` or `2001:db8::/32`; an address alone \
         is itself only.";

    DuplicateLogField = "HR0205" Error, "a field of the access log is there twice",
        "A line of the access log is a JSON object, in which each name stands once. Remove one of the two; the first \
         one is shown as well.";
    InvalidSampleShare = "HR0206" Error, "not a share of the requests",
        "A share of requests is a percentage from `0%` to `100%`, with at most four decimals: `10%`, `0.1%`.";
    InvalidConnectTarget = "HR0207" Error, "not where a tunnel can go",
        "`connect` lists hosts with their ports: `db.example.com:5432`, or `*.example.com:443` for all hosts below \
         `example.com`. There is no way to allow all hosts, or all ports.";

    InvalidRouteKey = "HR0301" Error, "not the key of a route",
        "A route's key is `[host]/path-prefix`: `/`, `/api`, `api.example.com/`, `*.example.com/v1`. It has no \
         scheme, port, query or fragment, and no wildcard in its path: a path is for all paths below it.";
    SameRoute = "HR0302" Error, "two keys for one route",
        "Both keys mean the same once brought to their normal form: `/api/` is `/api`, and hosts are compared \
         in lower case. To have several routes at one key, give it a list, each with its conditions.";
    NoRoutes = "HR0303" Error, "no route",
        "A configuration without a route, or a key whose list is empty, answers nothing but 404. That is more \
         likely a mistake than a wish, so it is refused.";
    UnreachableRoute = "HR0304" Error, "a route behind one that takes its requests",
        "Of a list, the first route whose conditions hold answers. One with the same conditions stands before \
         this one, or one without any, so this one would never answer. Put the route without conditions last.";
    InvalidMethod = "HR0305" Error, "not a method",
        "Methods are tokens such as `GET`, and their case matters: `get` would be another method, which nobody \
         sends.";
    DuplicateMethod = "HR0306" Error, "a method is there twice",
        "Each method is named once. One of the two was probably meant to be another.";
    UnroutableMethod = "HR0307" Error, "a method that is never routed",
        "`CONNECT` asks for a tunnel to a host of the client's choice, which this proxy does not open.";
    InvalidHeaderName = "HR0308" Error, "not the name of a header",
        "A header's name has letters, digits and some signs (RFC 9110 section 5.1), no spaces and no colon.";
    InvalidHeaderValue = "HR0309" Error, "not the value of a header",
        "A header's value has visible ASCII characters, spaces and tabs, and no space at its ends. Line breaks \
         would start another header.";
    DuplicateHeader = "HR0310" Error, "a header is there twice",
        "Names of headers are compared without regard to case. Each is set, removed or matched once.";
    ProtectedHeader = "HR0311" Error, "a header that cannot be edited",
        "It says where a body ends, belongs to a single connection, or is `Host`: the proxy sets it, and an \
         edit could let two readers see two different requests. `Host` is set by `host_header`.";
    InvalidRewrite = "HR0312" Error, "not a path to rewrite to",
        "`rewrite` takes the place of the matched prefix, so it is a path as in a route's key: it starts with \
         `/`, without query or fragment.";
    InvalidHostHeader = "HR0313" Error, "not a host",
        "`host_header` is `preserve`, `upstream`, or the host to send: `example.com`, `example.com:8080`.";
    NeverMatches = "HR0320" Warning, "a route that can never match",
        "No request comes to this route: those before it in its list take all that fulfil its conditions, its \
         key is not in the normal form to which the paths of requests are brought before they are matched, or \
         its methods are refused before any route is looked for. Move it up, correct its key, or remove it.";
    ShadowedByHost = "HR0321" Warning, "a prefix shadowed by another host's rule",
        "The host decides before the path: for the host shown, a shorter prefix with that host comes before \
         this longer one without it. If this route is meant for that host too, give it a key with that host.";
    TimeoutAboveGlobal = "HR0322" Warning, "a timeout above the global one",
        "`global_timeout_ms` bounds a request over all attempts, but never below the `timeout_ms` of its \
         route. So this route's requests may take longer than the file says at its top.";
    RetriesNever = "HR0323" Warning, "retries for methods that are not retried",
        "All methods of the route change something each time, as `POST` does. Those are tried again only where \
         nothing was sent, as when no connection could be opened; never after a timeout, a reset or a 503. If \
         that is what is meant, all is well; else `retry_count` does not do what it seems to.";

    UnknownUpstream = "HR0401" Error, "an upstream that is not there",
        "`upstream` is a URL, or a name under `upstreams:`. There is no such name; the hint says which may have \
         been meant.";
    InvalidUrl = "HR0402" Error, "not the URL of an upstream",
        "The URL of an upstream is `http://host`, `https://host:8443/base/path`: no user, no query, no \
         fragment.";
    DuplicateEndpoint = "HR0403" Error, "an endpoint is there twice",
        "The same URL is listed twice in one upstream. Give it a `weight` to send it a larger share.";
    InvalidProbePath = "HR0404" Error, "not a path to probe",
        "A health check asks for a path such as `/health?deep=1`: it starts with `/`, has no fragment, and only \
         the characters that a URL has.";
    MisplacedHealthCheck = "HR0405" Error, "a health check at the wrong place",
        "The route goes to a named upstream, which several routes may share; how it is probed is said there, \
         once.";
    WrongScheme = "HR0406" Error, "an endpoint that its upstream's protocol is not for",
        "`protocol: h2` is HTTP/2 over TLS, for `https://` endpoints; `h2c` is HTTP/2 in clear text, for \
         `http://` endpoints. `auto` takes both: over TLS it speaks what the endpoint chooses, in clear text \
         HTTP/1.1.";
    UnusedUpstream = "HR0420" Warning, "an upstream that nobody uses",
        "No route goes to it. It is probed all the same. Perhaps a route names another by mistake.";
    IntervalBelowTimeout = "HR0421" Warning, "probes start before the last one has timed out",
        "The `interval` of a health check is below its `timeout`. A probe is never started while one runs, so \
         an endpoint that does not answer is looked at less often than the interval says.";

    UnreadableFile = "HR0501" Error, "a file that cannot be read",
        "The configuration names this file, and the controller cannot read it: it is not there, its owner has \
         not given the right to, or it is larger than 1 MiB. A relative path is meant from the folder of the \
         configuration. Once the file can be read, it is; the configuration need not be saved again.";
    InvalidPem = "HR0502" Error, "not a PEM file",
        "Certificates and keys are PEM: text between lines such as `-----BEGIN CERTIFICATE-----` and \
         `-----END CERTIFICATE-----`. The file has nothing of what is looked for, or it was cut short. A key is \
         not encrypted: nobody is there to type a password.";
    KeyMismatch = "HR0503" Error, "a key of another certificate",
        "Both files are good, and do not belong together: no client could connect. While a pair is being \
         replaced that is so for a moment; what was served is served on until both files fit.";
    UnusableCertificate = "HR0504" Error, "a certificate that cannot be used",
        "The file is PEM, and what is in it is no X.509 certificate, or its key is of a kind that TLS does not \
         use here. RSA from 2048 bits, ECDSA with P-256, P-384 or P-521, and Ed25519 are good.";
    InvalidServerName = "HR0505" Error, "not a name that a certificate can have",
        "`server_name` is what an upstream is asked for, and what its certificate must be for: the name of a \
         host, or an IP address. No scheme, no port, no wildcard.";
    InvalidRedirect = "HR0506" Error, "not where to redirect to",
        "`redirect_https` is `true`, for the port 443, or the port at which clients find `https`.";
    UnusedTls = "HR0520" Warning, "TLS settings that nobody uses",
        "All endpoints of the upstream are `http://`: nothing is encrypted, and nobody's certificate is looked \
         at. Write `https://` if that is what is meant.";
    InvalidShare = "HR0601" Error, "not a share of the nodes",
        "A share is a number of nodes, `2`, or a percentage from 1 to 100 of them, `25%`, which is rounded up.";
    InvalidWave = "HR0602" Error, "not a wave",
        "A wave says which nodes it is: by `nodes`, a share that is not 0, or by `labels`, at least one. The rest of \
         the fleet comes after the last wave by itself.";
    InvalidRevisionHash = "HR0603" Error, "not the hash of a revision",
        "`allow_shrink` names the one content that may remove most of what there is, by its hash or the first 8 \
         characters of it or more. `harbrctl rollout status` shows the hash of the revision that is held.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    /// `HR0012`, `hr0012`, `0012` and `12` are one code.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.to_ascii_uppercase();
        let number: u16 = text.strip_prefix("HR").unwrap_or(&text).parse().map_err(|_| UnknownCode)?;
        let code = format!("HR{number:04}");
        Self::ALL.iter().copied().find(|known| known.as_str() == code).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::case::{Answer, Arrival, Case, Ending, Exactness, Expected, Step};
use super::origin::{NEXT, ScriptedOrigin};
use super::wire::{Head, Message, Wire};

/// A case that takes longer hangs: on a machine with much else to do, and beside a person who waits.
const LIMIT: Duration = Duration::from_secs(20);
const PEERS_LIMIT: Duration = Duration::from_secs(3);

/// What is on its way to the upstream has arrived after this time.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(5);

/// Fields that a proxy may add, remove or replace: compared where a case says so.
const OWN: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "transfer-encoding",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// A proxy, and the upstream that all its requests go to.
#[derive(Debug)]
pub struct Bench<'a> {
    pub proxy: SocketAddr,
    pub origin: &'a ScriptedOrigin,
    pub exactness: Exactness,
}

impl Bench<'_> {
    /// # Errors
    /// What was not as the case says.
    pub async fn run(&self, case: &Case) -> Result<(), String> {
        self.origin.begin(&case.script);
        let limit = if self.exactness == Exactness::Ours { LIMIT } else { PEERS_LIMIT };
        match timeout(limit, self.exchange(case)).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(format!("nothing more within {limit:?}")),
        }
        self.check_arrivals(case).await
    }

    async fn exchange(&self, case: &Case) -> Result<(), String> {
        let mut client = self.connect().await?;
        for step in &case.steps {
            match step {
                // What is refused early is answered although not all of it was taken.
                Step::Send(bytes) => drop(client.stream.write_all(bytes.as_bytes()).await),
                Step::Await(text) => client.until(text).await?,
                Step::Finish => drop(client.stream.shutdown().await),
            }
        }
        let methods = methods(case);
        for (number, answer) in case.answers.iter().enumerate() {
            let method = methods.get(number).map_or("GET", String::as_str);
            self.check_answer(answer, &mut client, method).await?;
        }
        self.origin.say_later().await;
        if case.ending == Ending::Open {
            ask_next(&mut client, case.name)
                .await
                .map_err(|error| format!("on the same connection: {error}"))?;
        }
        let mut another = self.connect().await?;
        ask_next(&mut another, case.name).await.map_err(|error| format!("the next client: {error}"))?;
        if case.ending == Ending::Closed && !client.is_closed_cleanly().await {
            return Err("the connection goes on, or says more".to_owned());
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Wire, String> {
        let stream = TcpStream::connect(self.proxy).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Wire::new(stream))
    }

    async fn check_answer(&self, expected: &Answer, client: &mut Wire, method: &str) -> Result<(), String> {
        let any_refusal = self.exactness == Exactness::AnyProxy;
        let head = match client.head().await {
            Ok(Some(head)) => head,
            // What breaks at once may end before its head is sent; others may close instead of a refusal.
            Ok(None) if matches!(expected, Answer::CutOff | Answer::BadGatewayOrCutOff) => return Ok(()),
            Ok(None) if any_refusal && expected.may_be_silence() => return Ok(()),
            Ok(None) => return Err("closed without an answer".to_owned()),
            Err(broken) => return Err(format!("the answer is malformed: {broken}")),
        };
        let message = client.response_body(head, method).await;
        // A chunked body may also end in the middle of a line.
        let is_cut = message.as_ref().map_or(true, |message| !message.is_whole);
        let is_502 = matches!(&message, Ok(message) if message.head.status() == Ok(502));
        let Expected { status, body, fields, lacks, trailers } = match expected {
            Answer::Is(expected) => expected,
            Answer::Any => return Ok(()),
            Answer::CutOff if is_cut => return Ok(()),
            Answer::BadGatewayOrCutOff if is_cut || is_502 => return Ok(()),
            Answer::CutOff | Answer::BadGatewayOrCutOff => {
                return Err(format!("it looks whole: {message:?}"));
            }
        };
        let message = message.map_err(|broken| format!("the answer is malformed: {broken}"))?;
        let got = message.head.status()?;
        let is_refusal = |status: u16| status >= 400;
        if got != *status && !(any_refusal && is_refusal(*status) && is_refusal(got)) {
            return Err(format!("{got} instead of {status}"));
        }
        if !message.is_whole {
            return Err("the answer is cut off".to_owned());
        }
        if body.is_some_and(|body| body != message.body) {
            return Err(format!("body {:?} instead of {body:?}", message.body));
        }
        if lines(&message.trailers) != *trailers {
            return Err(format!("trailers {:?} instead of {trailers:?}", message.trailers));
        }
        check_fields(&message.head, fields, lacks)
    }

    async fn check_arrivals(&self, case: &Case) -> Result<(), String> {
        // A body that is broken off arrives when the proxy gives it up.
        let due = case.arrivals.iter().filter(|arrival| !arrival.is_optional).count();
        let _in_time = timeout(ARRIVAL_LIMIT, async {
            while self.origin.seen().len() < due {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let mut seen = self.origin.seen().into_iter();
        for expected in &case.arrivals {
            match seen.next() {
                None if expected.is_optional => {}
                None => return Err(format!("{} did not reach the upstream", expected.asked)),
                Some(Err(_)) if !expected.is_whole => {}
                Some(Err(broken)) => {
                    return Err(format!("the upstream was sent what is malformed: {broken}"));
                }
                Some(Ok(message)) => self
                    .check_arrival(expected, &message)
                    .map_err(|error| format!("at the upstream: {error}"))?,
            }
        }
        match seen.next() {
            None => Ok(()),
            Some(more) => Err(format!("the upstream was sent what it must not see: {more:?}")),
        }
    }

    fn check_arrival(&self, expected: &Arrival, message: &Message) -> Result<(), String> {
        if message.head.start != format!("{} HTTP/1.1", expected.asked) {
            return Err(format!("{:?} instead of {:?}", message.head.start, expected.asked));
        }
        if message.is_whole != expected.is_whole {
            return Err(format!("whole: {}", message.is_whole));
        }
        if message.is_whole && message.body != expected.body {
            return Err(format!("body {:?} instead of {:?}", message.body, expected.body));
        }
        let is_ours = self.exactness == Exactness::Ours;
        let hosts = message.head.all("host");
        if is_ours && expected.host.map_or(hosts.len() != 1, |host| hosts != [host]) {
            return Err(format!("host {hosts:?}"));
        }
        check_fields(&message.head, if is_ours { &expected.own } else { &[] }, &expected.lacks)?;
        if is_ours && lines(&message.trailers) != expected.trailers {
            return Err(format!("trailers {:?}", message.trailers));
        }
        self.check_rest(expected, &message.head)
    }

    /// Nothing else was added or lost.
    fn check_rest(&self, expected: &Arrival, head: &Head) -> Result<(), String> {
        let mut rest: Vec<_> =
            head.fields.iter().filter(|(name, _)| !OWN.contains(&name.as_str())).map(line).collect();
        rest.sort_unstable();
        let mut wanted = expected.fields.clone();
        wanted.sort_unstable();
        let is_same = match self.exactness {
            Exactness::Ours => rest == wanted,
            Exactness::AnyProxy => wanted.iter().all(|line| rest.iter().any(|found| found == line)),
        };
        if is_same { Ok(()) } else { Err(format!("fields {rest:?} instead of {wanted:?}")) }
    }
}

impl Answer {
    fn may_be_silence(&self) -> bool {
        match self {
            Self::Is(expected) => expected.status >= 400,
            Self::Any | Self::CutOff | Self::BadGatewayOrCutOff => true,
        }
    }
}

/// The next request must get its own answer, and no other's.
async fn ask_next(client: &mut Wire, name: &str) -> Result<(), String> {
    let target = format!("{NEXT}{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let request = format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let head = client.head().await?.ok_or("no answer")?;
    let message = client.response_body(head, "GET").await?;
    let expected = format!("GET {target}");
    if message.head.status()? == 200 && message.is_whole && message.body == expected {
        Ok(())
    } else {
        Err(format!("{} {:?} instead of its own answer", message.head.start, message.body))
    }
}

fn check_fields(head: &Head, has: &[&str], lacks: &[&str]) -> Result<(), String> {
    for field in has {
        let (name, value) = field.split_once(": ").unwrap_or((field, ""));
        if head.all(name).join(", ") != value {
            return Err(format!("{name}: {:?} instead of {value:?}", head.all(name)));
        }
    }
    match lacks.iter().find(|name| !head.all(name).is_empty()) {
        Some(name) => Err(format!("{name}: {:?} is there", head.all(name))),
        None => Ok(()),
    }
}

fn lines(fields: &[(String, String)]) -> Vec<String> {
    fields.iter().map(line).collect()
}

fn line((name, value): &(String, String)) -> String {
    format!("{name}: {value}")
}

/// Of the requests that the client sends, as far as it says so itself.
fn methods(case: &Case) -> Vec<String> {
    let text: String = case
        .steps
        .iter()
        .map(|step| match step {
            Step::Send(text) => text.as_str(),
            Step::Await(_) | Step::Finish => "",
        })
        .collect();
    let starts = text.split("\r\n").filter(|line| line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0"));
    starts.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

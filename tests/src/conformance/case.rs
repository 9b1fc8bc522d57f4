/// One exchange, and what must come of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What is special about it.
    pub name: &'static str,
    /// The section or the vulnerability that it is about.
    pub rule: &'static str,
    pub(super) steps: Vec<Step>,
    pub(super) script: Script,
    pub(super) answers: Vec<Answer>,
    pub(super) ending: Ending,
    /// What reaches the upstream, in order.
    pub(super) arrivals: Vec<Arrival>,
}

/// What the client does.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(String),
    /// Reads up to this text.
    Await(&'static str),
    /// Sends no more.
    Finish,
}

/// What the upstream does with the case's request. Without anything it echoes method and target.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    /// On the first new connection, before anything is asked.
    pub(super) greeting: Option<&'static str>,
    /// Before it has read the body.
    pub(super) at_head: Option<&'static str>,
    pub(super) says: Says,
    /// Once the client has its answer.
    pub(super) later: Option<&'static str>,
    pub(super) closes: bool,
}

/// What it says once it has all of the request.
#[derive(Debug, Clone, Default)]
pub(super) enum Says {
    #[default]
    Echo,
    This(String),
    Nothing,
}

/// What the client must get.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Is(Expected),
    Any,
    /// A body that does not end as one that is whole.
    CutOff,
    /// One or the other: the answer is refused, or it is cut off when it proves bad.
    BadGatewayOrCutOff,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    pub(super) status: u16,
    pub(super) body: Option<&'static str>,
    pub(super) fields: Vec<&'static str>,
    pub(super) lacks: Vec<&'static str>,
    /// All that there are.
    pub(super) trailers: Vec<&'static str>,
}

/// What becomes of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Open,
    Closed,
    Either,
}

/// A request as its upstream must see it.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// Method and target.
    pub(super) asked: &'static str,
    pub(super) body: &'static str,
    /// Beyond `Host: a.test`, framing, and what proxies add: all of them.
    pub(super) fields: Vec<&'static str>,
    /// Of those that are not compared: exactly these values.
    pub(super) own: Vec<&'static str>,
    pub(super) lacks: Vec<&'static str>,
    /// `None`: any.
    pub(super) host: Option<&'static str>,
    pub(super) trailers: Vec<&'static str>,
    pub(super) is_whole: bool,
    /// Whether it comes at all is not said.
    pub(super) is_optional: bool,
}

/// How much like ours a proxy must behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// To the status code.
    Ours,
    /// Any way to refuse is one, and further fields are its own business.
    AnyProxy,
}

pub(super) fn case(name: &'static str, rule: &'static str, sends: impl Into<String>) -> Case {
    Case {
        name,
        rule,
        steps: vec![Step::Send(sends.into())],
        script: Script::default(),
        answers: Vec::new(),
        ending: Ending::Open,
        arrivals: Vec::new(),
    }
}

/// The client is told so, nothing reaches the upstream, and the connection is closed.
pub(super) fn refused(status: u16, name: &'static str, rule: &'static str, sends: impl Into<String>) -> Case {
    case(name, rule, sends).answer(status).closed()
}

/// The client's body proves bad on the way: 400, and nothing that the upstream could take for whole.
pub(super) fn bad_body(name: &'static str, rule: &'static str, body: impl AsRef<str>) -> Case {
    let sends =
        format!("POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{}", body.as_ref());
    case(name, rule, sends).answer(400).closed().arrives(asked("POST /x").cut_off().perhaps())
}

/// It goes through, as the upstream must see it; the connection goes on.
pub(super) fn passed(
    name: &'static str,
    rule: &'static str,
    sends: impl Into<String>,
    arrival: Arrival,
) -> Case {
    case(name, rule, sends).answer(200).arrives(arrival)
}

/// `GET /x` of a well-behaved client, answered so by the upstream.
pub(super) fn answered(name: &'static str, rule: &'static str, says: impl Into<String>) -> Case {
    case(name, rule, "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n").upstream_says(says).arrives(asked("GET /x"))
}

/// As [`answered`], and the answer is none that a client may get.
pub(super) fn bad_gateway(name: &'static str, rule: &'static str, says: impl Into<String>) -> Case {
    answered(name, rule, says).answer(502)
}

pub(super) fn asked(asked: &'static str) -> Arrival {
    Arrival {
        asked,
        body: "",
        fields: Vec::new(),
        own: Vec::new(),
        lacks: Vec::new(),
        host: Some("a.test"),
        trailers: Vec::new(),
        is_whole: true,
        is_optional: false,
    }
}

impl Case {
    pub(super) fn awaits(mut self, text: &'static str) -> Self {
        self.steps.push(Step::Await(text));
        self
    }

    pub(super) fn sends(mut self, text: &'static str) -> Self {
        self.steps.push(Step::Send(text.to_owned()));
        self
    }

    pub(super) fn finishes(mut self) -> Self {
        self.steps.push(Step::Finish);
        self
    }

    pub(super) fn answer(mut self, status: u16) -> Self {
        self.answers.push(Answer::Is(Expected { status, ..Expected::default() }));
        self
    }

    pub(super) fn answer_is(mut self, status: u16, body: &'static str) -> Self {
        self.answers.push(Answer::Is(Expected { status, body: Some(body), ..Expected::default() }));
        self
    }

    pub(super) fn any_answer(mut self) -> Self {
        self.answers.push(Answer::Any);
        self.either()
    }

    /// Of the last answer, as the two below.
    pub(super) fn with(mut self, field: &'static str) -> Self {
        self.last_answer().fields.push(field);
        self
    }

    pub(super) fn without(mut self, name: &'static str) -> Self {
        self.last_answer().lacks.push(name);
        self
    }

    pub(super) fn with_trailer(mut self, field: &'static str) -> Self {
        self.last_answer().trailers.push(field);
        self
    }

    fn last_answer(&mut self) -> &mut Expected {
        match self.answers.last_mut() {
            Some(Answer::Is(expected)) => expected,
            other => panic!("{}: {other:?} has no fields", self.name),
        }
    }

    pub(super) fn cut_off(mut self) -> Self {
        self.answers.push(Answer::CutOff);
        self.closed()
    }

    pub(super) fn bad_gateway_or_cut_off(mut self) -> Self {
        self.answers.push(Answer::BadGatewayOrCutOff);
        self.either()
    }

    pub(super) fn closed(mut self) -> Self {
        self.ending = Ending::Closed;
        self
    }

    pub(super) fn open(mut self) -> Self {
        self.ending = Ending::Open;
        self
    }

    pub(super) fn either(mut self) -> Self {
        self.ending = Ending::Either;
        self
    }

    pub(super) fn arrives(mut self, arrival: Arrival) -> Self {
        self.arrivals.push(arrival);
        self
    }

    pub(super) fn upstream_says(mut self, bytes: impl Into<String>) -> Self {
        self.script.says = Says::This(bytes.into());
        self
    }

    /// Before it has read the body; and no more, unless it is given more to say.
    pub(super) fn upstream_says_at_head(mut self, bytes: &'static str) -> Self {
        self.script.at_head = Some(bytes);
        self.script.says = Says::Nothing;
        self
    }

    pub(super) fn and_closes(mut self) -> Self {
        self.script.closes = true;
        self
    }

    pub(super) fn and_later(mut self, bytes: &'static str) -> Self {
        self.script.later = Some(bytes);
        self
    }

    pub(super) fn upstream_greets(mut self, bytes: &'static str) -> Self {
        self.script.greeting = Some(bytes);
        self
    }
}

impl Arrival {
    pub(super) fn body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    pub(super) fn host(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }

    pub(super) fn any_host(mut self) -> Self {
        self.host = None;
        self
    }

    pub(super) fn field(mut self, field: &'static str) -> Self {
        self.fields.push(field);
        self
    }

    pub(super) fn own(mut self, field: &'static str) -> Self {
        self.own.push(field);
        self
    }

    pub(super) fn lacks(mut self, name: &'static str) -> Self {
        self.lacks.push(name);
        self
    }

    pub(super) fn trailer(mut self, field: &'static str) -> Self {
        self.trailers.push(field);
        self
    }

    pub(super) fn cut_off(mut self) -> Self {
        self.is_whole = false;
        self
    }

    pub(super) fn perhaps(mut self) -> Self {
        self.is_optional = true;
        self
    }
}

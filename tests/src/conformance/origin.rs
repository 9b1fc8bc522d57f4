use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::case::{Says, Script};
use super::wire::{Head, Message, Wire};

/// Requests for this are answered in an orderly way, whatever the case.
pub(super) const NEXT: &str = "/next/";

/// An upstream that does what the current case says, and keeps what it saw.
#[derive(Debug)]
pub struct ScriptedOrigin {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Vec<Result<Message, String>>>,
    /// Rises with each case: connections that rest are closed.
    case: watch::Sender<u64>,
    /// The client has its answer.
    answered: Notify,
    /// What comes later is said.
    said: Notify,
}

impl ScriptedOrigin {
    /// # Panics
    /// If loopback has no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            seen: Mutex::default(),
            case: watch::Sender::new(0),
            answered: Notify::new(),
            said: Notify::new(),
        });
        let mut server = JoinSet::new();
        let accepting = Arc::clone(&shared);
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(Arc::clone(&accepting).serve(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { addr, shared, _server: server }
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(super) fn begin(&self, script: &Script) {
        *lock(&self.shared.script) = script.clone();
        lock(&self.shared.seen).clear();
        self.shared.case.send_modify(|case| *case += 1);
    }

    /// Says what the script has for later, if it has anything.
    pub(super) async fn say_later(&self) {
        let has_more = lock(&self.shared.script).later.is_some();
        if has_more {
            self.shared.answered.notify_one();
            self.shared.said.notified().await;
        }
    }

    pub(super) fn seen(&self) -> Vec<Result<Message, String>> {
        lock(&self.shared.seen).clone()
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut case = self.case.subscribe();
        let mut wire = Wire::new(stream);
        // A proxy that went away is the case's doing, here and below.
        let _ = wire.stream.set_nodelay(true);
        let greeting = lock(&self.script).greeting.take();
        if let Some(greeting) = greeting {
            let _ = wire.stream.write_all(greeting.as_bytes()).await;
        }
        loop {
            case.mark_unchanged();
            let head = tokio::select! {
                biased;
                head = wire.head() => head,
                _next_case = case.changed() => return,
            };
            let head = match head {
                Ok(Some(head)) => head,
                Ok(None) => return,
                Err(broken) => return self.see(*case.borrow(), Err(broken)),
            };
            let number = *case.borrow();
            if head.asked().split(' ').nth(1).is_some_and(|target| target.starts_with(NEXT)) {
                if !self.answer_next(&mut wire, head).await {
                    return;
                }
            } else if !self.act(&mut wire, head, number).await {
                return;
            }
        }
    }

    async fn answer_next(&self, wire: &mut Wire, head: Head) -> bool {
        let says = echo(&head);
        wire.request_body(head).await.is_ok() && wire.stream.write_all(says.as_bytes()).await.is_ok()
    }

    /// A request of an earlier case may end late.
    fn see(&self, case: u64, message: Result<Message, String>) {
        if *self.case.borrow() == case {
            lock(&self.seen).push(message);
        }
    }

    /// What the script has; `false` ends the connection.
    async fn act(&self, wire: &mut Wire, head: Head, case: u64) -> bool {
        let Script { says, at_head, later, closes, .. } = lock(&self.script).clone();
        if let Some(at_head) = at_head {
            let _ = wire.stream.write_all(at_head.as_bytes()).await;
        }
        let says = match says {
            Says::Echo => echo(&head),
            Says::This(text) => text,
            Says::Nothing => String::new(),
        };
        let message = wire.request_body(head).await;
        let is_whole = message.as_ref().is_ok_and(|message| message.is_whole);
        self.see(case, message);
        if !is_whole {
            return false;
        }
        let _ = wire.stream.write_all(says.as_bytes()).await;
        if let Some(later) = later {
            self.answered.notified().await;
            let _ = wire.stream.write_all(later.as_bytes()).await;
            self.said.notify_one();
        }
        !closes
    }
}

fn echo(head: &Head) -> String {
    let (asked, is_head) = (head.asked(), head.start.starts_with("HEAD "));
    let body = if is_head { "" } else { asked };
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", asked.len())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

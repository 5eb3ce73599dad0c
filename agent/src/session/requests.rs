//! From a request to the thread that serves it. Not here: the work itself; see `commands` and
//! `files`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use windlass_protocol::ops::{self, Exec, Request};
use windlass_protocol::{Boxed, ChannelId, Code, Failure};

use super::port::{Gone, Inbound, Port};
use super::{Channel, Input};
use crate::agent::Agent;
use crate::commands::Entry;
use crate::commands::gate::Gate;
use crate::config::policy;
use crate::log::log;
use crate::{failure, files, relay, sys, upgrade};

/// What a thread has to tell at its end: an answer, or nothing because nobody is there.
pub(crate) type Answer = Result<Result<Boxed, Failure>, Gone>;

/// Opens the channel and starts the thread that will answer it.
pub(super) fn open(
    agent: &Arc<Agent>,
    sender: &Sender<Input>,
    confidential: bool,
    id: ChannelId,
    request: Request,
    from: u64,
) -> Channel {
    let gate = Arc::new(Gate::default());
    let (to_thread, inbox) = mpsc::channel();
    let takes_bytes = matches!(
        request,
        Request::Put(_) | Request::TreePut(_) | Request::TreeGet(_) | Request::Upgrade(_)
    );
    let port = Port {
        channel: id,
        confidential,
        gate: Arc::clone(&gate),
        inbox,
        came: RefCell::default(),
        sender: sender.clone(),
    };
    let agent = Arc::clone(agent);
    let serve = move || {
        let op = request.op();
        // A fault of ours must not leave a request without an answer.
        let served = catch_unwind(AssertUnwindSafe(|| serve(&agent, &port, request, from)));
        let fault = || Failure::new(Code::Internal, "the agent failed inside");
        match served.unwrap_or_else(|_| Ok(Err(fault()))) {
            Ok(Ok(result)) => port.respond(Ok(result)),
            Ok(Err(failure)) => {
                log!("{op}: {failure}");
                port.respond(Err(failure));
            }
            Err(Gone) => {}
        }
    };
    let thread = std::thread::Builder::new().name("request".into());
    if let Err(error) = thread.spawn(serve) {
        let result = Err(Failure::new(
            Code::Busy,
            format!("cannot start a thread: {error}"),
        ));
        // The loop is alive: it is the one that called.
        let _ = sender.send(Input::Respond {
            channel: id,
            result,
        });
    }
    let inbox: Option<Sender<Vec<Inbound>>> = takes_bytes.then_some(to_thread);
    Channel {
        gate,
        inbox,
        parcel: Vec::new(),
        entry: None,
        listener: 0,
        cancel: None,
    }
}

fn serve(agent: &Agent, port: &Port, request: Request, from: u64) -> Answer {
    if let Err(failure) = agent.policy.check(request.op()) {
        return Ok(Err(failure));
    }
    if let Some(account) = &agent.account
        && policy::is_about_files(request.op())
        && let Err(error) = sys::act_as(account)
    {
        let text = format!("cannot work as `{}`: {error}", account.name);
        return Ok(Err(Failure::new(Code::Permission, text)));
    }
    match request {
        Request::Exec(exec) => exec_and_relay(agent, port, &exec, from),
        Request::Attach(attach) => match agent.commands.find(attach.id, attach.generation) {
            Ok(entry) => attach_and_relay(port, &entry, from),
            Err(failure) => Ok(Err(failure)),
        },
        Request::Signal(signal) => Ok(agent
            .commands
            .find(signal.id, signal.generation)
            .map(|entry| entry.order(signal.order))
            .map(|()| Boxed::new())),
        Request::Forget(forget) => Ok(agent
            .commands
            .forget(forget.id, forget.generation)
            .map(|()| Boxed::new())),
        Request::List => Ok(Ok(ops::list_result(&agent.commands.list()))),
        Request::Info => Ok(Ok(info(agent))),
        Request::Put(put) => files::put::serve(&agent.root, port, &put),
        Request::Get(get) => files::get::serve(&agent.root, port, &get, from),
        Request::TreePut(tree) => files::tree::serve(agent, port, &tree),
        Request::TreeGet(tree) => files::tree_get::serve(&agent.root, port, &tree, from),
        Request::Hash(hash) => {
            Ok(files::facts::hash(&agent.root, port, &hash).map(|result| result.to_box()))
        }
        Request::Df(df) => Ok(files::facts::df(&agent.root, &df).map(|result| result.to_box())),
        Request::Readdir(readdir) => files::list::serve(&agent.root, port, &readdir, from),
        Request::Mkdir(mkdir) => Ok(files::change::mkdir(&agent.root, &mkdir)),
        Request::Remove(remove) => Ok(files::change::remove(&agent.root, &remove)),
        Request::Rename(rename) => Ok(files::change::rename(&agent.root, &rename)),
        Request::Copy(copy) => Ok(files::copy::copy(&agent.root, &copy)),
        Request::Stat(stat) => Ok(files::list::stat(&agent.root, &stat)),
        Request::Shutdown(shutdown) => {
            port.shut_down(shutdown.mode)?;
            Ok(Ok(Boxed::new()))
        }
        Request::Upgrade(upgrade) => upgrade::serve(agent, port, &upgrade),
    }
}

fn exec_and_relay(agent: &Agent, port: &Port, exec: &Exec, from: u64) -> Answer {
    // A request that waited here while its connection went may be older than a command that was
    // started, fetched and forgotten over the next one.
    let open_cwd = || match (port.is_gone(), agent.refusal()) {
        (true, _) => Err(Failure::new(Code::Cancelled, "the connection is gone")),
        // Whoever has some of its journal has seen it run: it must not run again.
        (false, _) if from > 0 => {
            let text = format!(
                "command {} is not known here, nor what is before {from}",
                exec.id
            );
            Err(Failure::new(Code::BadRequest, text))
        }
        (false, Some(refusal)) => Err(refusal),
        (false, None) => agent.root.walk(&exec.cwd),
    };
    if !exec.env_secret.is_empty() && !port.confidential {
        let text = "secrets are not taken over a connection that can be read on the way; \
                    connect by TLS, ssh or on this machine";
        return Ok(Err(Failure::new(Code::Permission, text)));
    }
    match agent.commands.start(exec, open_cwd) {
        Ok(entry) => attach_and_relay(port, &entry, from),
        Err(failure) => Ok(Err(failure)),
    }
}

fn attach_and_relay(port: &Port, entry: &Arc<Entry>, from: u64) -> Answer {
    port.attach(entry)?;
    relay::relay(port, entry, from)
}

/// What the master is told now and then.
pub(super) fn status(agent: &Agent) -> Boxed {
    let mut pairs = Boxed::new();
    push_space(agent, &mut pairs);
    if let Some((free, total)) = sys::memory_space() {
        pairs.push_number("mem_free", free);
        pairs.push_number("mem_total", total);
    }
    if let Some(load) = sys::load_hundredths() {
        pairs.push_number("load", load);
    }
    pairs.push_number("running", agent.commands.count_running() as u64);
    if let Some(refusal) = agent.refusal() {
        pairs.push("refuses", refusal.text);
    }
    if let Some(why) = upgrade::last_failure(&agent.state) {
        pairs.push("upgrade_failed", why);
    }
    pairs
}

fn push_space(agent: &Agent, pairs: &mut Boxed) {
    match sys::disk_space(agent.root.folder()) {
        Ok((free, total)) => {
            pairs.push_number("disk_free", free);
            pairs.push_number("disk_total", total);
        }
        Err(error) => log!("{}", failure::of_io(&error, b"")),
    }
}

/// What this machine is like.
fn info(agent: &Agent) -> Boxed {
    let mut pairs = Boxed::new();
    pairs.push("name", &agent.name);
    pairs.push("version", env!("CARGO_PKG_VERSION"));
    pairs.push("os", sys::os_name());
    pairs.push("arch", std::env::consts::ARCH);
    pairs.push("kernel", sys::kernel_release());
    pairs.push_number("cpus", sys::logical_cpus());
    pairs.push_number("memory", sys::memory_bytes());
    pairs.push("root", sys::os_bytes(agent.root.path().as_os_str()));
    pairs.push("case_sensitive", if sys::IGNORES_CASE { "0" } else { "1" });
    pairs.push("symlinks", "1");
    pairs.push("tls", if cfg!(feature = "tls") { "1" } else { "0" });
    push_space(agent, &mut pairs);
    pairs
}

//! Who listens to a shim: the agent that started it, over pipes, or a later one, over the control
//! endpoint. The newest link wins. Not here: the words (`wire`).

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::wire::{self, News, Order};
use crate::clock::now_ms;
use crate::commands::gate::Gate;
use crate::commands::journal::Journal;
use crate::commands::process::Notice;
use crate::commands::stdin::StdinQueue;
use crate::log::log;
use crate::sys::{Control, LinkReader, LinkWriter};

/// An endpoint that fails at once must not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Shared by the threads that read, write and accept.
pub(super) struct Links {
    journal: Arc<Journal>,
    stdin: Option<Arc<StdinQueue>>,
    notices: Sender<Notice>,
    /// Poked when there may be news.
    gate: Arc<Gate>,
    state: Mutex<State>,
    /// Signalled when the news of the end are out.
    told: Condvar,
}

struct State {
    /// Where news go, and which link it is.
    writer: Option<LinkWriter>,
    number: u64,
    master_present: bool,
    /// Input that came, and that the command took.
    input: (u64, u64),
    /// The end was told, or there is nobody to tell.
    all_told: bool,
}

impl Links {
    pub(super) fn new(
        journal: &Arc<Journal>,
        stdin: Option<Arc<StdinQueue>>,
        notices: Sender<Notice>,
        master_present: bool,
    ) -> Arc<Links> {
        let gate = Arc::new(Gate::default());
        journal.watch(&gate);
        let state = State {
            writer: None,
            number: 0,
            master_present,
            input: (0, 0),
            all_told: false,
        };
        Arc::new(Links {
            journal: Arc::clone(journal),
            stdin,
            notices,
            gate,
            state: Mutex::new(state),
            told: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first link and begins to wait for others.
    pub(super) fn start(
        self: &Arc<Self>,
        first: (LinkReader, LinkWriter),
        control: Option<Control>,
    ) -> io::Result<()> {
        if let Some(stdin) = &self.stdin {
            let links = Arc::downgrade(self);
            stdin.listen(Box::new(move |received, consumed| {
                if let Some(links) = links.upgrade() {
                    links.lock().input = (received, consumed);
                    links.gate.poke();
                }
            }));
        }
        self.take(first)?;
        let news = Arc::clone(self);
        spawn("news", move || news.tell_news())?;
        let Some(control) = control else {
            return Ok(());
        };
        let accepting = Arc::clone(self);
        spawn("control", move || accepting.accept(&control))
    }

    /// Waits until the end of the command is told, at most that long.
    pub(super) fn finish(&self, time: Duration) {
        let state = self.lock();
        let waited = self
            .told
            .wait_timeout_while(state, time, |state| !state.all_told);
        drop(waited);
        self.gate.close();
    }

    fn accept(self: &Arc<Self>, control: &Control) {
        loop {
            match control.accept().and_then(|link| self.take(link)) {
                Ok(()) => {}
                Err(error) => {
                    log!("shim: an agent cannot reach it: {error}");
                    std::thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    fn take(self: &Arc<Self>, (reader, writer): (LinkReader, LinkWriter)) -> io::Result<()> {
        let number = {
            let mut state = self.lock();
            state.number += 1;
            state.writer = Some(writer);
            state.number
        };
        self.gate.poke();
        let links = Arc::clone(self);
        spawn("link", move || links.listen(reader, number))
    }

    /// Hears one link to its end.
    fn listen(&self, mut reader: LinkReader, number: u64) {
        while let Ok(Some(pairs)) = wire::read_box(&mut reader) {
            for order in Order::all_from_box(&pairs) {
                self.obey(order);
            }
        }
        let mut state = self.lock();
        if state.number == number {
            // The agent is gone, and its master with it.
            state.writer = None;
            drop(state);
            self.tell_master(false);
            self.gate.poke();
        }
    }

    fn obey(&self, order: Order) {
        let notice = match order {
            Order::Stored(offset) => return self.journal.mark_stored(offset),
            Order::Crowded(crowded) => return self.journal.set_crowded(crowded),
            Order::Master(present) => return self.tell_master(present),
            Order::Input(offset, bytes) => {
                return self
                    .stdin
                    .iter()
                    .for_each(|stdin| stdin.push(offset, &bytes));
            }
            Order::InputEnd => return self.stdin.iter().for_each(|stdin| stdin.end()),
            Order::End(reason, mode) => Notice::End(reason, mode),
            Order::Deliver(signal) => Notice::Deliver(signal),
        };
        // A command that has just finished needs no order any more.
        let _ = self.notices.send(notice);
    }

    /// Leases count from the moment the master went, whatever comes without one afterwards.
    fn tell_master(&self, present: bool) {
        let mut state = self.lock();
        if state.master_present != present {
            state.master_present = present;
            let since = (!present).then(now_ms);
            let _ = self.notices.send(Notice::MasterGone(since));
        }
    }

    /// Tells whoever listens how things stand, after every change and after every new link.
    fn tell_news(&self) {
        let mut told = None;
        loop {
            let fresh = self.gate.wait(|_| {
                let now = self.standing();
                (told != Some(now)).then_some(now)
            });
            let Some((number, listening, news)) = fresh else {
                return;
            };
            told = fresh;
            // One that came meanwhile stays for the next turn.
            let writer = match listening {
                true => self.lock().writer.take(),
                false => None,
            };
            if let Some(mut writer) = writer
                && wire::write_box(&mut writer, &news.to_box()).is_ok()
            {
                let mut state = self.lock();
                // A newer link may have come meanwhile.
                if state.number == number {
                    state.writer = Some(writer);
                }
            }
            if news.sha256.is_some() {
                self.lock().all_told = true;
                self.told.notify_all();
            }
        }
    }

    /// Which link it is, whether somebody listens, and what there is to tell.
    fn standing(&self) -> (u64, bool, News) {
        let extent = self.journal.extent();
        let sha256 = extent.finished.then(|| self.journal.sha256());
        let state = self.lock();
        let news = News {
            len: extent.len,
            sha256,
            input_received: state.input.0,
            input_consumed: state.input.1,
        };
        (state.number, state.writer.is_some(), news)
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(body).map(|_| ())
}

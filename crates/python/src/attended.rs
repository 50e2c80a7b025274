//! Long work beside Python: it runs on a thread of its own, while the calling thread looks for Ctrl-C, calls the user's functions,
//! and leaves the interpreter to others in between.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use ferrotype::{Event, Interrupt, Watcher};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Time between two batches, or two counts of images, that Python is told of.
const PAUSE: Duration = Duration::from_millis(100);

/// An event, and where an answer is waited for: whether to go on.
type Message = (Event, Option<SyncSender<bool>>);

/// What Python is told, and by what.
pub struct Attention {
    told: Py<PyAny>,
    receiver: Receiver<Message>,
}

/// A watcher for the library, and the other end of it: `told` gets each event as JSON; where it gives `False` for an epoch, training
/// is asked to stop.
pub fn attention(told: Py<PyAny>) -> (Watcher, Attention) {
    let (sender, receiver): (Sender<Message>, _) = channel();
    let last = Mutex::new(None::<Instant>);
    let is_due = move |event: &Event| {
        if !matches!(event, Event::Step(_) | Event::Work { .. }) {
            return true;
        }
        let Ok(mut last) = last.lock() else { return false };
        let is_due = last.is_none_or(|last| last.elapsed() >= PAUSE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    };
    let watcher = Watcher::new(move |event| {
        if !is_due(event) {
            return ControlFlow::Continue(());
        }
        let (answer, goes_on) = sync_channel(1);
        let is_answered = matches!(event, Event::Epoch(_));
        let sent = sender.send((event.clone(), is_answered.then_some(answer)));
        // Without an answer Python has ended, or raised an exception that is the caller's by now.
        let goes_on = !is_answered || (sent.is_ok() && goes_on.recv().unwrap_or(false));
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (watcher, Attention { told, receiver })
}

/// Does the work; gives what it gives.
///
/// # Errors
/// An exception of the user's function, or `KeyboardInterrupt`: the work was asked to stop then, and has ended.
pub fn attended<T: Send>(
    py: Python<'_>,
    interrupt: &Interrupt,
    attention: Option<Attention>,
    work: impl FnOnce() -> ferrotype::Result<T> + Send,
) -> PyResult<ferrotype::Result<T>> {
    let (_quiet, silence) = channel();
    let (told, mut receiver) = match attention {
        Some(Attention { told, receiver }) => (Some(told), receiver),
        None => (None, silence),
    };
    let mut raised = None;
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(work);
        while !thread.is_finished() {
            // The receiver goes along where the interpreter is left: it is nobody's to share.
            let (message, back) = py.detach(move || (receiver.recv_timeout(LOOK), receiver));
            receiver = back;
            let outcome = match message {
                Ok((event, answer)) => tell(py, told.as_ref(), &event).map(|goes_on| {
                    // Somebody who does not wait any more needs no answer.
                    answer.map(|answer| answer.send(goes_on));
                }),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                // All senders are gone: the work is about to end.
                Err(RecvTimeoutError::Disconnected) => {
                    py.detach(|| std::thread::sleep(Duration::from_millis(1)));
                    Ok(())
                }
            };
            if let Err(error) = outcome.and_then(|()| py.check_signals()) {
                interrupt.ask();
                raised.get_or_insert(error);
            }
        }
        for (event, _) in receiver.try_iter() {
            if let Err(error) = tell(py, told.as_ref(), &event) {
                raised.get_or_insert(error);
            }
        }
        py.detach(|| thread.join())
    });
    let done = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match raised {
        None => Ok(done),
        Some(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Err(match &done {
            Err(ferrotype::Error::Interrupted { path, .. }) => PyKeyboardInterrupt::new_err(format!(
                "everything is saved; go on with ferrotype.Run.load({:?}).resume()",
                path.display().to_string()
            )),
            _ => error,
        }),
        Some(error) => Err(error),
    }
}

/// Calls the user's function; gives whether to go on.
fn tell(py: Python<'_>, told: Option<&Py<PyAny>>, event: &Event) -> PyResult<bool> {
    let Some(told) = told else { return Ok(true) };
    let answer = told.call1(py, (event.to_json().to_string(),))?;
    Ok(answer.extract::<bool>(py).unwrap_or(true))
}

//! [`Mailbox`]: how the worker is told what to do. It is below the worker, so that the books can hold it.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use spanwire_transport::Config;
use tokio::sync::mpsc;

/// What the worker is told.
pub enum Command {
    /// Close this client: its back-offs end now, its tries under way by then.
    Close(u64, Instant),
    /// From now on this client has another configuration.
    Configure(u64, Arc<Config>),
    /// The client is gone.
    Forget(u64),
    /// A task, of the type that the worker knows: it stands above what is told here.
    Carry(Box<dyn Any + Send>),
}

/// A running worker's end of its callers. The channel has no bound of its own: an export has a caller that waits for the answer, and one for each
/// request under way of columns; a lane is begun once, and all else is once a call of a client's. A bound would make callers wait under the
/// process's lock.
pub struct Mailbox(mpsc::UnboundedSender<Command>);

impl Mailbox {
    /// A mailbox, and where the worker reads.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (sender, commands) = mpsc::unbounded_channel();
        (Self(sender), commands)
    }

    /// Whether the worker reads.
    pub fn is_alive(&self) -> bool {
        !self.0.is_closed()
    }

    /// Gives a command, or gives it back if the worker is gone. A task given back answers for itself when it is dropped,
    /// which must happen without the process's lock.
    pub fn tell(&self, command: Command) -> Option<Command> {
        self.0.send(command).err().map(|unsent| unsent.0)
    }
}

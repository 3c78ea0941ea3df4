//! [`Trouble`]: what people must hear of a destination that is used all the same.

use std::time::Duration;

use tokio::time::Instant;

/// The same is said so often at most, while it lasts.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Files of TLS have changed and cannot be used.
    Certificates,
    /// Headers that change do not come.
    Headers,
}

impl Subject {
    /// The name that people see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Headers => "headers",
        }
    }
}

/// Something that is wrong though requests may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is about.
    pub subject: Subject,
    /// In words.
    pub message: String,
}

/// One trouble for as long as it lasts: noted by who sees it, taken by who tells it.
#[derive(Debug, Default)]
pub struct Lasting {
    message: Option<String>,
    said: Option<Instant>,
}

impl Lasting {
    /// It is there, and in other words than before it is another.
    pub fn note(&mut self, message: String) {
        if self.message.as_ref() != Some(&message) {
            self.said = None;
        }
        self.message = Some(message);
    }

    /// It is over, whether it was told or not.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether it is there and to be told: at once, and then each minute.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.message.is_some() && self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN)
    }

    /// What is to be told now, after which it is told.
    pub fn take(&mut self) -> Option<String> {
        if !self.is_due() {
            return None;
        }
        self.said = Some(Instant::now());
        self.message.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_once_and_each_minute_while_it_lasts() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let mut lasting = Lasting::default();
            assert_eq!(lasting.take(), None);
            lasting.note("one".into());
            assert_eq!(lasting.take().as_deref(), Some("one"));
            lasting.note("one".into());
            assert_eq!(lasting.take(), None);
            lasting.note("two".into());
            assert_eq!(lasting.take().as_deref(), Some("two"));
            tokio::time::advance(SAY_AGAIN).await;
            assert_eq!(lasting.take().as_deref(), Some("two"));
            lasting.clear();
            assert_eq!(lasting.take(), None);
            lasting.note("two".into());
            assert_eq!(lasting.take().as_deref(), Some("two"));
        });
    }
}

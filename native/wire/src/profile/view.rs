//! [`ProfileView`]: one profile.

use core::time::Duration;

use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::View;
use crate::protobuf::read::Message;
use crate::request::member::Member;
use crate::schema::Type;
use crate::schema::numbers::profile;
use crate::signal::Signal;
use crate::time::UnixNanos;

/// One profile: its own scalar fields, and how many samples it has.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileView<'a> {
    message: Message<'a>,
    profile_id: &'a [u8],
    time: UnixNanos,
    duration: u64,
    dropped_attributes_count: u32,
    sample_count: usize,
}

impl<'a> ProfileView<'a> {
    /// Reads a whole `Profile` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// Its id: sixteen bytes, or none where absent; OTLP's parsers check no length.
    #[must_use]
    pub const fn profile_id(&self) -> &'a [u8] {
        self.profile_id
    }

    /// When it began.
    #[must_use]
    pub const fn time(&self) -> UnixNanos {
        self.time
    }

    /// How long it took.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration)
    }

    /// Attributes that the sender dropped.
    #[must_use]
    pub const fn dropped_attributes_count(&self) -> u32 {
        self.dropped_attributes_count
    }

    /// How many samples it has.
    #[must_use]
    pub const fn sample_count(&self) -> usize {
        self.sample_count
    }
}

impl<'a> View<'a> for ProfileView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Profile)?;
            match field.number() {
                profile::SAMPLES => view.sample_count += 1,
                profile::TIME_UNIX_NANO => view.time = UnixNanos::new(field.value()),
                profile::DURATION_NANO => view.duration = field.value(),
                profile::PROFILE_ID => view.profile_id = field.message().bytes(),
                profile::DROPPED_ATTRIBUTES_COUNT => view.dropped_attributes_count = field.value32(),
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> Member<'a> for ProfileView<'a> {
    const SIGNAL: Signal = Signal::Profiles;
    const WITHIN: Type = Type::ScopeProfiles;
}

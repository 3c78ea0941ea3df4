//! [`MetricView`]: one metric.

use crate::metric::data::MetricData;
use crate::protobuf::error::DecodeError;
use crate::protobuf::parts::{Occurrences, Parts, View};
use crate::protobuf::read::Message;
use crate::protobuf::value::KeyValues;
use crate::request::member::Member;
use crate::schema::Type;
use crate::schema::numbers::metric;
use crate::signal::Signal;

/// One metric.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricView<'a> {
    message: Message<'a>,
    name: &'a str,
    description: &'a str,
    unit: &'a str,
    /// Which member of the oneof came last, 0 for none, and where it stands.
    member: u32,
    data: Occurrences<'a>,
}

impl<'a> MetricView<'a> {
    /// Reads a whole `Metric` message.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Message::new(bytes), 0)
    }

    /// The message's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.message.bytes()
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The description.
    #[must_use]
    pub const fn description(&self) -> &'a str {
        self.description
    }

    /// The unit in UCUM's notation.
    #[must_use]
    pub const fn unit(&self) -> &'a str {
        self.unit
    }

    /// Its kind with its data points; none where the sender gave none.
    pub fn data(&self) -> Result<Option<MetricData<'a>>, DecodeError> {
        let parts = self.data.parts(&Parts::whole(self.message), self.member);
        MetricData::read(self.member, parts)
    }

    /// Attributes of the metric itself.
    #[must_use]
    pub fn metadata(&self) -> KeyValues<'a> {
        Parts::whole(self.message).repeated(Type::Metric, metric::METADATA, 0)
    }
}

impl<'a> View<'a> for MetricView<'a> {
    fn read(message: Message<'a>, _depth: u8) -> Result<Self, DecodeError> {
        let mut view = Self {
            message,
            ..Self::default()
        };
        for field in message.fields() {
            let field = field?;
            field.check(Type::Metric)?;
            match field.number() {
                metric::NAME => view.name = field.message().utf8()?,
                metric::DESCRIPTION => view.description = field.message().utf8()?,
                metric::UNIT => view.unit = field.message().utf8()?,
                member if MetricData::is_member(member) => {
                    if member != view.member {
                        (view.member, view.data) = (member, Occurrences::default());
                    }
                    view.data.add(&field);
                }
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> Member<'a> for MetricView<'a> {
    const SIGNAL: Signal = Signal::Metrics;
    const WITHIN: Type = Type::ScopeMetrics;
}

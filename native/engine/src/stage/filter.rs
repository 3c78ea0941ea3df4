//! [`Filter`]: the stage that lets through what meets all its conditions.

use spanwire_queue::{Group, Verdict};
use spanwire_wire::ScopeSpans;
use spanwire_wire::span::{SpanView, StatusCode};
use spanwire_wire::value::Value;

use super::Stage;

/// What a span must be like; a condition that is empty holds for every span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Its name is like one of these; `*` stands for any characters.
    pub names: Vec<String>,
    /// The name of its instrumentation scope is, likewise.
    pub scopes: Vec<String>,
    /// Its kind is one of these, as numbered by OTLP.
    pub kinds: Vec<i32>,
    /// It has failed (true), or it has not.
    pub failed: Option<bool>,
    /// It has each of these attributes with one of these values; with any value where none is named.
    pub attributes: Vec<(String, Vec<Wanted>)>,
    /// It took at least so many nanoseconds.
    pub min_nanos: Option<u64>,
    /// It has no parent (true), or it has one.
    pub is_root: Option<bool>,
}

/// A value of an attribute. An integer and a double of the same size are different values, as on the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Text, in which `*` stands for any characters.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
}

/// Keeps the spans that meet all conditions, or, inverted, all others. A span that cannot be read is kept.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The conditions.
    pub conditions: Conditions,
    /// Those that meet them are left out.
    pub is_inverted: bool,
}

impl Stage for Filter {
    fn frame(&self, group: &Group, span: &[u8]) -> Verdict {
        match SpanView::new(span).and_then(|span| self.conditions.hold(group, &span)) {
            Ok(held) if held == self.is_inverted => Verdict::Drop,
            _ => Verdict::Keep,
        }
    }
}

impl Conditions {
    fn hold(&self, group: &Group, span: &SpanView<'_>) -> Result<bool, spanwire_wire::DecodeError> {
        let took = span.end_time().get().saturating_sub(span.start_time().get());
        Ok((self.kinds.is_empty() || self.kinds.contains(&i32::from(span.kind())))
            && self.min_nanos.is_none_or(|least| took >= least)
            && self
                .failed
                .is_none_or(|failed| failed == (span.status().code() == StatusCode::Error))
            && self
                .is_root
                .is_none_or(|is_root| is_root == span.parent_span_id().is_none())
            && is_like_any(&self.names, span.name())
            && (self.scopes.is_empty() || is_like_any(&self.scopes, scope_name(group)?))
            && self.has_attributes(span)?)
    }

    fn has_attributes(&self, span: &SpanView<'_>) -> Result<bool, spanwire_wire::DecodeError> {
        for (key, values) in &self.attributes {
            let mut found = false;
            for attribute in span.attributes() {
                let attribute = attribute?;
                if attribute.key() == key {
                    found = values.is_empty() || {
                        let value = attribute.value()?;
                        values.iter().any(|wanted| wanted.is(&value))
                    };
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Wanted {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(pattern), Value::Str(text)) => is_like(pattern, text),
            (Self::Bool(wanted), Value::Bool(value)) => wanted == value,
            (Self::Int(wanted), Value::Int(value)) => wanted == value,
            #[allow(clippy::float_cmp)] // the same value is meant
            (Self::Double(wanted), Value::Double(value)) => wanted == value,
            _ => false,
        }
    }
}

fn scope_name(group: &Group) -> Result<&str, spanwire_wire::DecodeError> {
    Ok(ScopeSpans::new(&group.scope)?.scope().map_or("", |scope| scope.name()))
}

fn is_like_any(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| is_like(pattern, text))
}

/// Whether `text` is `pattern`, in which each `*` stands for any characters. Linear in their product at worst.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty(); // no `*`
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `*` by the plain definition.
    fn is_like_by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| is_like_by_definition(rest, &text[at..])),
            Some((one, rest)) => text.first() == Some(one) && is_like_by_definition(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn patterns_are_what_they_are_by_definition(pattern in "[ab*é]{0,6}", text in "[abé]{0,8}") {
            let by_definition = is_like_by_definition(
                &pattern.chars().collect::<Vec<_>>(),
                &text.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(is_like(&pattern, &text), by_definition);
        }

        #[test]
        fn any_bytes_are_kept_or_dropped_without_panic(span in prop::collection::vec(any::<u8>(), 0..80)) {
            let filter = Filter {
                conditions: Conditions {
                    attributes: vec![("a".into(), vec![Wanted::Int(1)])],
                    scopes: vec!["x".into()],
                    ..Conditions::default()
                },
                is_inverted: false,
            };
            let _ = filter.frame(&Group { scope: span.clone(), ..Group::default() }, &span);
        }
    }
}

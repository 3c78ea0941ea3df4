//! Counts over all spans of a file, in memory that does not grow with their number but for traces and names.

use std::collections::{BTreeMap, HashMap, HashSet};

use spanwire_wire::{DecodeError, KeyValues, SpanView, TraceRequest, Value};

/// What is in the spans seen so far.
#[derive(Debug, Default)]
pub struct Stats {
    /// Requests.
    pub requests: u64,
    /// Spans.
    pub spans: u64,
    /// Bytes of the spans' messages.
    pub bytes: u64,
    /// Spans with a status of error.
    pub errors: u64,
    /// Spans without a parent.
    pub roots: u64,
    /// Events.
    pub events: u64,
    /// Links.
    pub links: u64,
    /// Attributes of spans.
    pub attributes: u64,
    /// The earliest start, 0 if there is none.
    pub first: u64,
    /// The latest end, or start.
    pub last: u64,
    /// Trace ids.
    pub traces: HashSet<[u8; 16]>,
    /// Spans by `service.name`; empty where there is none.
    pub services: HashMap<String, u64>,
    /// Spans by scope.
    pub scopes: HashMap<String, u64>,
    /// Spans by name, and how many of them failed.
    pub names: HashMap<String, (u64, u64)>,
    /// Spans by kind, as OTLP numbers it.
    pub kinds: BTreeMap<i32, u64>,
    /// Spans by status code, as OTLP numbers it.
    pub statuses: BTreeMap<i32, u64>,
    /// Attributes of spans by key.
    pub keys: HashMap<String, u64>,
    /// Sizes of spans in bytes.
    pub sizes: Histogram,
    /// Durations in nanoseconds.
    pub durations: Histogram,
    /// Names, keys, services and scopes that were not counted by themselves since there were [`MOST`] others.
    pub uncounted: u64,
}

/// Distinct names that are counted by themselves: what comes from a broken instrumentation can have an id in each.
pub const MOST: usize = 100_000;

impl Stats {
    /// Counts a request.
    pub fn add(&mut self, request: &[u8]) -> Result<(), DecodeError> {
        self.requests += 1;
        for resource in TraceRequest::new(request).resources() {
            let resource = resource?;
            let service = match resource.resource() {
                Some(resource) => service_name(resource.attributes())?,
                None => "",
            };
            let mut of_service = 0;
            for scope in resource.scopes() {
                let scope = scope?;
                let mut of_scope = 0;
                for span in scope.items() {
                    self.span(&span?)?;
                    of_scope += 1;
                }
                of_service += of_scope;
                self.uncounted += count(
                    &mut self.scopes,
                    scope.scope().map_or("", |scope| scope.name()),
                    of_scope,
                );
            }
            self.uncounted += count(&mut self.services, service, of_service);
        }
        Ok(())
    }

    fn span(&mut self, span: &SpanView<'_>) -> Result<(), DecodeError> {
        let size = span.bytes().len() as u64;
        let (start, end) = (span.start_time().get(), span.end_time().get());
        let status = i32::from(span.status().code());
        let failed = u64::from(status == ERROR);
        self.spans += 1;
        self.bytes += size;
        self.errors += failed;
        self.roots += u64::from(span.parent_span_id().is_none());
        self.sizes.add(size);
        self.durations.add(end.saturating_sub(start));
        if start > 0 && (self.first == 0 || start < self.first) {
            self.first = start;
        }
        self.last = self.last.max(start).max(end);
        self.traces.insert(*span.trace_id().as_bytes());
        *self.kinds.entry(span.kind().into()).or_default() += 1;
        *self.statuses.entry(status).or_default() += 1;
        if let Some((count, errors)) = self.names.get_mut(span.name()) {
            *count += 1;
            *errors += failed;
        } else if self.names.len() < MOST {
            self.names.insert(span.name().to_owned(), (1, failed));
        } else {
            self.uncounted += 1;
        }
        for attribute in span.attributes() {
            self.attributes += 1;
            self.uncounted += count(&mut self.keys, attribute?.key(), 1);
        }
        for event in span.events() {
            event?;
            self.events += 1;
        }
        for link in span.links() {
            link?;
            self.links += 1;
        }
        Ok(())
    }
}

/// OTLP's number of the status.
const ERROR: i32 = 2;

/// Adds to a name's count; what could not be counted.
fn count(counts: &mut HashMap<String, u64>, name: &str, add: u64) -> u64 {
    if add == 0 {
        return 0;
    }
    if let Some(count) = counts.get_mut(name) {
        *count += add;
    } else if counts.len() < MOST {
        counts.insert(name.to_owned(), add);
    } else {
        return add;
    }
    0
}

fn service_name(attributes: KeyValues<'_>) -> Result<&str, DecodeError> {
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.key() == "service.name"
            && let Value::Str(name) = attribute.value()?
        {
            return Ok(name);
        }
    }
    Ok("")
}

/// Counts of values in buckets less than 1 % wide, and exact below 256.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

/// Bits of a value that are kept below its first one.
const BITS: u32 = 7;

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: u64) {
        let bucket = bucket(value);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
        self.largest = self.largest.max(value);
    }

    /// The largest value.
    #[must_use]
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// The value that so large a share (0 to 1) of the values is not above.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )] // a share of a count
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return highest(bucket).min(self.largest);
            }
        }
        self.largest
    }
}

/// Values below 2 to the 8th have their own; above, 128 to each power of two.
fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    // Both parts are small: 57 powers of 128 each.
    usize::try_from(u64::from(shift) * (1 << BITS) + (value >> shift)).unwrap_or(usize::MAX)
}

/// The highest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> BITS).saturating_sub(1);
    let lowest = bucket - shift * (1 << BITS);
    (((u128::from(lowest) + 1) << shift) - 1).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_for_small_and_within_one_percent_for_large_values() {
        for power in 0..57 {
            let mut histogram = Histogram::default();
            let values: Vec<u64> = (1..=100).map(|number| number << power >> 6).collect();
            for value in &values {
                histogram.add(*value);
            }
            for share in [0.01, 0.5, 0.99, 1.0] {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let exact = values[(100.0 * share) as usize - 1];
                let found = histogram.quantile(share);
                assert!(found >= exact && found - exact <= exact / 100, "{found} for {exact}");
                assert!(exact > 255 || found == exact);
            }
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn every_value_is_in_its_bucket() {
        for value in (0..64).flat_map(|bit| [1 << bit, (1_u64 << bit) - 1, u64::MAX >> bit]) {
            let bucket = bucket(value);
            assert!(highest(bucket) >= value);
            assert!(bucket == 0 || highest(bucket - 1) < value, "{value}");
        }
    }
}

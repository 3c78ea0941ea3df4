//! [`Payload`]: a request or a part of one, plain and as it goes out.

use std::sync::Arc;

use bytes::Bytes;
use spanwire_transport::{Config, PackError, Request};
use spanwire_wire::Signal;
use spanwire_wire::envelope::{self, Part};

use crate::delivery::spread::{Homes, Spread, Tried};
use crate::pool;

/// Items on their way. The plain bytes are kept: they may have to be cut, or packed for another configuration.
#[derive(Debug)]
pub struct Payload {
    signal: Signal,
    plain: Bytes,
    items: u64,
    packed: Option<(Arc<Config>, Bytes)>,
    is_whole: bool,
}

impl Payload {
    /// An export request of `signal` with so many items.
    pub fn new(signal: Signal, plain: Bytes, items: u64) -> Self {
        Self {
            signal,
            plain,
            items,
            packed: None,
            is_whole: false,
        }
    }

    /// Plain bytes.
    pub fn len(&self) -> usize {
        self.plain.len()
    }

    pub fn signal(&self) -> Signal {
        self.signal
    }

    pub fn items(&self) -> u64 {
        self.items
    }

    /// Whether it may be possible to cut it.
    pub fn may_be_cut(&self) -> bool {
        self.items > 1 && !self.is_whole
    }

    /// About how many bytes a request has at least that is made of one of its items; nothing if it has to be cut to know.
    pub fn smallest(&self) -> Option<usize> {
        if self.may_be_cut() {
            envelope::smallest(self.signal, &self.plain)
        } else {
            Some(self.len())
        }
    }

    /// As it goes out by this configuration, for which it is packed once. Bytes that change are packed beside the worker.
    pub async fn pack(&mut self, config: &Arc<Config>) -> Result<Request, PackError> {
        let body = if let Some(body) = self.packed_by(config) {
            body
        } else {
            let (signal, plain, by) = (self.signal, self.plain.clone(), Arc::clone(config));
            let bytes = if config.packs() { plain.len() } else { 0 };
            pool::run(bytes, move || by.pack(signal, &plain)).await?
        };
        Ok(self.request(config, body))
    }

    /// Whether [`pack`](Self::pack) answers at once.
    pub fn is_ready(&self, config: &Arc<Config>) -> bool {
        !config.packs() || pool::is_at_once(self.len()) || self.packed_by(config).is_some()
    }

    /// The same, on this thread.
    pub fn pack_here(&mut self, config: &Arc<Config>) -> Result<Request, PackError> {
        let body = match self.packed_by(config) {
            Some(body) => body,
            None => config.pack(self.signal, &self.plain)?,
        };
        Ok(self.request(config, body))
    }

    fn packed_by(&self, config: &Arc<Config>) -> Option<Bytes> {
        let (by, body) = self.packed.as_ref()?;
        Arc::ptr_eq(by, config).then(|| body.clone())
    }

    fn request(&mut self, config: &Arc<Config>, body: Bytes) -> Request {
        self.packed = Some((Arc::clone(config), body.clone()));
        Request {
            signal: self.signal,
            body,
            items: self.items,
        }
    }

    /// Divided over endpoints, each part with the endpoint's number. What cannot be read goes to one of them.
    pub async fn divide(self, spread: &Spread, tried: Tried) -> Vec<(usize, Self)> {
        let homes = spread.homes(tried);
        pool::run(self.len(), move || self.divide_here(&homes)).await
    }

    fn divide_here(self, homes: &Homes) -> Vec<(usize, Self)> {
        let parts = homes.divide(self.signal, &self.plain).unwrap_or_default();
        match parts.as_slice() {
            [] => vec![(homes.any(), self)],
            [(home, _)] => vec![(*home, self)],
            _ => {
                let (mut left, last) = (self.items, parts.len() - 1);
                let payload = |(at, (home, part)): (usize, (usize, Part))| {
                    // The caller's count is what is booked.
                    let items = if at == last {
                        left
                    } else {
                        (part.items as u64).min(left)
                    };
                    left -= items;
                    (home, Self::new(self.signal, part.bytes.into(), items))
                };
                parts.into_iter().enumerate().map(payload).collect()
            }
        }
    }

    /// Leaves out the items that are not whole, if it can be read otherwise; how many they were.
    pub async fn mend(&mut self) -> u64 {
        let (signal, plain) = (self.signal, self.plain.clone());
        let mended = pool::run(plain.len(), move || envelope::without_broken(signal, &plain)).await;
        let Some((rest, lost)) = mended else {
            return 0;
        };
        // The caller's count is what is booked.
        let lost = if rest.items == 0 {
            self.items
        } else {
            (lost as u64).min(self.items)
        };
        *self = Self::new(self.signal, rest.bytes.into(), self.items - lost);
        lost
    }

    /// Two of it, the first with about so many bytes of items, or half of them; or itself, if it has one item.
    pub async fn cut(self, first: Option<usize>) -> Result<(Self, Self), Self> {
        pool::run(self.len(), move || self.cut_here(first)).await
    }

    fn cut_here(mut self, first: Option<usize>) -> Result<(Self, Self), Self> {
        let halves = if self.may_be_cut() {
            envelope::cut(self.signal, &self.plain, first)
        } else {
            None
        };
        let Some((left, right)) = halves else {
            self.is_whole = true;
            return Err(self);
        };
        // The caller's count is what is booked, also if it is not what the request has.
        let items = (left.items as u64).min(self.items);
        let rest = self.items - items;
        let payload = |part: Part, items| Self::new(self.signal, part.bytes.into(), items);
        Ok((payload(left, items), payload(right, rest)))
    }
}

//! Messages in messages: [`Repeated`] ones, and single ones that are split over several occurrences.
//!
//! Protobuf merges such a split message: repeated fields are concatenated, of a scalar the last occurrence counts.
//! [`Parts`] walks the fields of all occurrences as if they stood in one.

use core::marker::PhantomData;

use crate::protobuf::error::DecodeError;
use crate::protobuf::read::{Field, Fields, Message};
use crate::schema::Type;

/// Where the fields of one logical message stand: in one slice, or in every occurrence of an embedded message,
/// one or two levels below `root`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts<'a> {
    root: Message<'a>,
    /// Numbers of the fields that lead from `root` to the occurrences; 0 for none.
    path: [u32; 2],
    /// Occurrences that begin before this are not part of it.
    from: usize,
}

impl<'a> Parts<'a> {
    pub const fn whole(root: Message<'a>) -> Self {
        Self {
            root,
            path: [0; 2],
            from: 0,
        }
    }

    /// The same without what stands in front of `offset`, where a field of one of the parts begins; but where there are
    /// several parts, they are walked from the first.
    pub fn from(&self, offset: usize) -> Self {
        if self.path[0] != 0 {
            return *self;
        }
        let bytes = &self.root.bytes()[offset - self.root.offset()..];
        Self::whole(Message::at(bytes, offset))
    }

    pub fn fields(&self) -> PartFields<'a> {
        let [first, second] = self.path;
        let levels = [self.root.fields(), Fields::default(), Fields::default()];
        let last = usize::from(first != 0) + usize::from(second != 0);
        PartFields {
            levels,
            level: 0,
            last,
            path: self.path,
            from: self.from,
        }
    }

    /// The messages of field `number` in all parts of a message of type `of`.
    pub fn repeated<T>(&self, of: Type, number: u32, depth: u8) -> Repeated<'a, T> {
        Repeated {
            fields: self.fields(),
            of,
            number,
            depth,
            item: PhantomData,
        }
    }
}

/// Collects the occurrences of one embedded message while its parent is walked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Occurrences<'a> {
    first: Option<Message<'a>>,
    from: usize,
    split: bool,
}

impl<'a> Occurrences<'a> {
    #[inline]
    pub fn add(&mut self, field: &Field<'a>) {
        if self.first.is_some() {
            self.split = true;
        } else {
            self.first = Some(field.message());
            self.from = field.offset();
        }
    }

    /// Those that begin with `first`, whose tag is at `from`; `split` if there are more.
    pub const fn new(first: Message<'a>, from: usize, split: bool) -> Self {
        Self {
            first: Some(first),
            from,
            split,
        }
    }

    pub fn is_present(&self) -> bool {
        self.first.is_some()
    }

    /// The message that is field `number` of `parent`.
    pub fn parts(self, parent: &Parts<'a>, number: u32) -> Parts<'a> {
        if !self.split {
            return Parts::whole(self.first.unwrap_or_default());
        }
        let path = if parent.path[0] == 0 {
            [number, 0]
        } else {
            [parent.path[0], number]
        };
        Parts {
            root: parent.root,
            path,
            from: self.from,
        }
    }
}

/// The fields of all parts in the order of the wire. Ends after the first error.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartFields<'a> {
    levels: [Fields<'a>; 3],
    level: usize,
    last: usize,
    path: [u32; 2],
    from: usize,
}

impl<'a> Iterator for PartFields<'a> {
    type Item = Result<Field<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.levels[self.level].next() {
                None if self.level == 0 => return None,
                None => self.level -= 1,
                Some(Err(error)) => {
                    self.level = 0;
                    self.levels[0] = Fields::default();
                    return Some(Err(error));
                }
                Some(Ok(field)) if self.level == self.last => return Some(Ok(field)),
                Some(Ok(field)) => {
                    let is_last_step = self.level + 1 == self.last;
                    if field.number() == self.path[self.level] && (!is_last_step || field.offset() >= self.from) {
                        self.level += 1;
                        self.levels[self.level] = field.message().fields();
                    }
                }
            }
        }
    }
}

impl<'a> PartFields<'a> {
    /// The next field `number` of a message of type `of`.
    #[inline]
    pub fn next_of(&mut self, of: Type, number: u32) -> Option<Result<Field<'a>, DecodeError>> {
        loop {
            match self.next()?.and_then(|field| field.check(of).map(|()| field)) {
                Ok(field) if field.number() != number => {}
                Ok(field) => return Some(Ok(field)),
                Err(error) => {
                    *self = Self::default();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// What a lazy reader makes of a message.
pub(crate) trait View<'a>: Sized {
    /// Reads the message's own fields. `depth` counts the arrays and maps around it.
    fn read(message: Message<'a>, depth: u8) -> Result<Self, DecodeError>;
}

/// The messages of a repeated field, each read when it is reached. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Repeated<'a, T> {
    fields: PartFields<'a>,
    of: Type,
    number: u32,
    depth: u8,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: View<'a>> Iterator for Repeated<'a, T> {
    type Item = Result<T, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next_of(self.of, self.number)?;
        let item = field.and_then(|field| T::read(field.message(), self.depth));
        if item.is_err() {
            self.fields = PartFields::default();
        }
        Some(item)
    }
}

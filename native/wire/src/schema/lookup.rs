//! The table by field number, for readers.

use super::{Field, Type};

/// Field numbers of OTLP are below this.
pub(super) const NUMBERS: usize = 17;

const TYPES: usize = Type::ALL.len();

/// Which wire types a field may have, one bit each; all for a field that is not declared.
static ACCEPTED: [[u8; NUMBERS]; TYPES] = {
    let mut accepted = [[u8::MAX; NUMBERS]; TYPES];
    let mut of = 0;
    while of < TYPES {
        assert!(Type::ALL[of] as usize == of);
        let fields = Type::ALL[of].fields();
        let mut at = 0;
        while at < fields.len() {
            let number = fields[at].number as usize;
            assert!(0 < number && number < NUMBERS && accepted[of][number] == u8::MAX);
            accepted[of][number] = 1 << fields[at].wire_type() as u8 | 1 << fields[at].kind.wire_type() as u8;
            at += 1;
        }
        of += 1;
    }
    accepted
};

/// Whether field `number` of a message of type `of` may have the wire type; so it is if the field is not declared.
#[inline]
pub(crate) fn accepts(of: Type, number: u32, wire_type: crate::protobuf::tag::WireType) -> bool {
    let number = number as usize;
    number >= NUMBERS || ACCEPTED[of as usize][number] >> wire_type as u8 & 1 != 0
}

/// Field `number` in a message of type `of`; none if it is not declared.
pub(crate) const fn field(of: Type, number: u32) -> Option<&'static Field> {
    let fields = of.fields();
    let mut at = 0;
    while at < fields.len() {
        if fields[at].number == number {
            return Some(&fields[at]);
        }
        at += 1;
    }
    None
}

/// Each field at its number.
static FIELDS: [[Option<&Field>; NUMBERS]; TYPES] = {
    let mut table = [[None; NUMBERS]; TYPES];
    let mut of = 0;
    while of < TYPES {
        let fields = Type::ALL[of].fields();
        let mut at = 0;
        while at < fields.len() {
            table[of][fields[at].number as usize] = Some(&fields[at]);
            at += 1;
        }
        of += 1;
    }
    table
};

/// [`field`] for run time: one look-up.
#[inline]
pub(crate) fn declared(of: Type, number: u32) -> Option<&'static Field> {
    *FIELDS[of as usize].get(usize::try_from(number).ok()?)?
}

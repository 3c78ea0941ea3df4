//! What stands inside arrays and maps, read without running Python code.

use std::ptr;

use pyo3::ffi;
use spanwire_wire::arena::Region;
use spanwire_wire::write;

use super::int::Ints;
use super::object::{Kind, Ref};
use crate::encode::drops::Drop;

/// Writes what stands inside arrays and maps.
pub(super) struct Nested<'s> {
    pub(super) ints: Ints,
    /// Whether a key of a map may be of a subclass of str, which may say something else when it is asked for its text.
    pub(super) any_keys: bool,
    pub(super) text: &'s mut Vec<u8>,
}

impl Nested<'_> {
    /// The content of an `AnyValue`; `depth` messages may still be nested in it. After an error, `out` is to be cut.
    pub(super) fn value(&mut self, out: &mut Region, value: Ref<'_>, depth: u32) -> Result<(), Drop> {
        match value.kind() {
            Kind::None => {}
            Kind::Bool => write::value_bool(out, value.as_bool().ok_or(Drop::Type)?),
            Kind::Str => write::value_str(out, self.utf8(value)?),
            Kind::Int => write::value_int(out, self.ints.i64(value).ok_or(Drop::IntegerRange)?),
            Kind::Float => write::value_double(out, value.float()),
            Kind::Bytes => write::value_bytes(out, value.bytes()),
            Kind::Tuple | Kind::List => {
                let depth = deeper(depth, 1)?;
                let array = write::open_array(out);
                for item in value.items().ok_or(Drop::Type)? {
                    let depth = deeper(depth, 1)?;
                    let element = write::open_element(out);
                    self.value(out, item, depth)?;
                    out.close(element);
                }
                out.close(array);
            }
            Kind::Dict => {
                let depth = deeper(depth, 1)?;
                let map = write::open_map(out);
                for (key, value) in value.entries().ok_or(Drop::Type)? {
                    let depth = deeper(depth, 2)?;
                    // The SDK's encoder takes str(key), which is the key itself only for an exact str.
                    if !is_exact_str(key) && !self.any_keys {
                        return Err(Drop::Key);
                    }
                    let entry = write::open_attribute(out, write::VALUES, self.utf8(key)?);
                    self.value(out, value, depth)?;
                    write::close_attribute(out, entry);
                }
                out.close(map);
            }
            Kind::Other => return Err(Drop::Type),
        }
        Ok(())
    }

    fn utf8<'s>(&'s mut self, text: Ref<'s>) -> Result<&'s [u8], Drop> {
        // No text: not a str, which only a key can be here.
        text.text().ok_or(Drop::Key)?.utf8(self.text).map_err(|_| Drop::Text)
    }
}

fn deeper(depth: u32, by: u32) -> Result<u32, Drop> {
    depth.checked_sub(by).ok_or(Drop::Depth)
}

/// Whether `object` is a str and no subclass of it.
pub(super) fn is_exact_str(object: Ref<'_>) -> bool {
    ptr::eq(object.type_ptr(), &raw mut ffi::PyUnicode_Type)
}

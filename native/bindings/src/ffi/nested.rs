//! What stands inside arrays and maps, on the fast path.

use std::ptr;

use pyo3::ffi;
use spanwire_wire::arena::Region;
use spanwire_wire::write;

use super::int::Ints;
use super::object::{Kind, Ref};
use super::sdk_span::Unusual;

/// Writes what stands inside arrays and maps.
pub(super) struct Nested<'s> {
    pub(super) ints: Ints,
    pub(super) text: &'s mut Vec<u8>,
}

impl Nested<'_> {
    /// The content of an `AnyValue`; `depth` messages may still be nested in it.
    pub(super) fn value(&mut self, out: &mut Region, value: Ref<'_>, depth: u32) -> Result<(), Unusual> {
        match value.kind() {
            Kind::None => {}
            Kind::Bool => write::value_bool(out, value.as_bool().ok_or(Unusual)?),
            Kind::Str => write::value_str(out, self.utf8(value)?),
            Kind::Int => write::value_int(out, self.ints.i64(value).ok_or(Unusual)?),
            Kind::Float => write::value_double(out, value.float()),
            Kind::Bytes => write::value_bytes(out, value.bytes()),
            Kind::Tuple | Kind::List => {
                let depth = deeper(depth, 1)?;
                let array = write::open_array(out);
                for item in value.items().ok_or(Unusual)? {
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
                for (key, value) in value.entries().ok_or(Unusual)? {
                    let depth = deeper(depth, 2)?;
                    // The SDK's encoder takes str(key), which is the key itself only for an exact str.
                    if !is_exact_str(key) {
                        return Err(Unusual);
                    }
                    let entry = write::open_attribute(out, write::VALUES, self.utf8(key)?);
                    self.value(out, value, depth)?;
                    write::close_attribute(out, entry);
                }
                out.close(map);
            }
            Kind::Other => return Err(Unusual),
        }
        Ok(())
    }

    fn utf8<'s>(&'s mut self, text: Ref<'s>) -> Result<&'s [u8], Unusual> {
        text.text().ok_or(Unusual)?.utf8(self.text).map_err(|_| Unusual)
    }
}

fn deeper(depth: u32, by: u32) -> Result<u32, Unusual> {
    depth.checked_sub(by).ok_or(Unusual)
}

/// Whether `object` is a str and no subclass of it.
pub(super) fn is_exact_str(object: Ref<'_>) -> bool {
    ptr::eq(object.type_ptr(), &raw mut ffi::PyUnicode_Type)
}

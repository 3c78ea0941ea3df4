//! Messages as text that can be compared: `{name:value …}` by name, lists in `[…]`, texts and bytes in hexadecimal, doubles
//! as their bits.

use core::fmt::{Display, Write};

use spanwire_wire::DecodeError;

/// A field, or none where it is absent.
pub type Member = (&'static str, Option<String>);

pub fn message(mut members: Vec<Member>) -> String {
    members.sort_unstable();
    let shown = members
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{}:{}", name.to_ascii_lowercase(), value?)));
    format!("{{{}}}", shown.collect::<Vec<_>>().join(" "))
}

pub fn list(items: impl Iterator<Item = Result<String, DecodeError>>) -> Result<String, DecodeError> {
    Ok(format!("[{}]", items.collect::<Result<Vec<_>, _>>()?.join(" ")))
}

pub fn number(number: impl Display) -> String {
    number.to_string()
}

pub fn double(number: f64) -> String {
    format!("f{:016x}", number.to_bits())
}

pub fn bytes(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::from("x");
    for byte in bytes.as_ref() {
        write!(text, "{byte:02x}").expect("a String takes all");
    }
    text
}

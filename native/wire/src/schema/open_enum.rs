//! Enums of proto3, which are open: numbers without a name are kept.

/// Declares an open enum: numbers that it does not name are kept.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A number that opentelemetry-proto does not name.
            Other(i32),
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from(0)
            }
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $number,)*
                    $name::Other(other) => other,
                }
            }
        }
    };
}

pub(crate) use open_enum;

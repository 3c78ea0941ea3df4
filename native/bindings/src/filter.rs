//! [`PyFilter`]: conditions that decide which spans go to a destination.

use std::sync::Arc;

use pyo3::prelude::*;
use spanwire_engine::stage::filter::{Conditions, Filter, Wanted};
use spanwire_engine::{Stage, Stages};

/// What a span must be like to be sent; `spanwire.filters.SpanFilter` has checked it.
#[pyclass(frozen, module = "spanwire._native", name = "SpanFilter")]
pub struct PyFilter(Arc<Filter>);

/// A value of an attribute as Python has it. A bool is asked for before an int, which it is too.
#[derive(FromPyObject)]
enum Given {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl From<Given> for Wanted {
    fn from(value: Given) -> Self {
        match value {
            Given::Bool(value) => Self::Bool(value),
            Given::Int(value) => Self::Int(value),
            Given::Double(value) => Self::Double(value),
            Given::Text(value) => Self::Text(value),
        }
    }
}

#[pymethods]
impl PyFilter {
    #[new]
    #[pyo3(signature = (*, names, scopes, kinds, failed, attributes, min_nanos, is_root, is_inverted))]
    #[allow(clippy::too_many_arguments)] // they have names in Python
    fn new(
        names: Vec<String>,
        scopes: Vec<String>,
        kinds: Vec<i32>,
        failed: Option<bool>,
        attributes: Vec<(String, Vec<Given>)>,
        min_nanos: Option<u64>,
        is_root: Option<bool>,
        is_inverted: bool,
    ) -> Self {
        let wanted = |(key, values): (String, Vec<Given>)| (key, values.into_iter().map(Wanted::from).collect());
        Self(Arc::new(Filter {
            conditions: Conditions {
                names,
                scopes,
                kinds,
                failed,
                attributes: attributes.into_iter().map(wanted).collect(),
                min_nanos,
                is_root,
            },
            is_inverted,
        }))
    }
}

impl PyFilter {
    /// As the only stage.
    pub fn stages(&self) -> Stages {
        Arc::new([Arc::clone(&self.0) as Arc<dyn Stage>])
    }
}

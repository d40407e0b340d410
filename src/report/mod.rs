//! One plain model of a run and its renderers: text, JSON, HTML.
//!
//! [`build`] gathers what the other rooms know into a [`Report`]; [`text`], [`json`] and [`html`] print it and
//! [`comparison`] puts several side by side. No renderer computes: what a page says, every page says.

mod build;
pub mod comparison;
mod conversion;
mod curve;
mod exploration;
mod format;
mod html;
mod json;
mod learning;
mod raster;
mod surface;
mod text;
mod timing;

#[cfg(test)]
mod synthetic;

pub use build::{AccuracyFacts, Inputs, SampleFacts, build, seconds_of};
pub use conversion::{Conversion, ConvertedBaseline, ConvertedChip, ConvertedLayer, ConvertedPoint, ERRORS};
pub use curve::{Curve, CurveMeasure, CurvePoint};
pub use exploration::{
    Correlation, Exploration, ExploredGroup, ExploredPoint, ExploredSplit, FIGURES, Heat, SplitLine,
};
pub use html::html;
pub use json::model::{
    Accuracy, Activity, Band, Bin, Capacity, Chip, Comparison, Constant, Energy, EnergyLine, Fault, ImageFacts, Link,
    MAX_RASTER, MAX_SERIES, Mesh, Note, Population, Raster, Report, Router, Sample, Setting, Spread, Tensor, TickPoint,
    Timing,
};
pub use json::{SCHEMA_VERSION, json, json_schema, read_json};
pub use learning::{Field, LearningReport, Score};
pub use surface::{HeldPoint, Surface, SurfacePoint};
pub(crate) use text::table;
pub use text::text;

//! One plain model of a run and its renderers: text, JSON, HTML.

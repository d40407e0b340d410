//! Energy table x counters -> joules, seconds, watts. An unknown price stays unknown.

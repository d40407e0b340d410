//! Table x counters: joules, seconds, watts.

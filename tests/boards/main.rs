//! Boards from outside: files, refusals, packets over links, chips as a level of the placement, borders in the emulator.

mod files;
mod traffic;

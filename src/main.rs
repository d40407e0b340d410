//! The `spikeloom` program; everything is in the library's `cli` room.

fn main() -> std::process::ExitCode {
    spikeloom::cli::main()
}

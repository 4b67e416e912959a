//! The entry point; everything is in the library, so that tests can reach it.

/// Why not the system's: docs/decisions/0008-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    strongroom::main()
}

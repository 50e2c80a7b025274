//! How a failure is told.

use ferrotype_training::interrupt::Interrupted;

/// Prints an error as one paragraph and gives the exit code.
pub fn report(error: &anyhow::Error) -> u8 {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        eprintln!("{interrupted}");
        return 130;
    }
    // The reader went away (`ferrotype runs | head`): nothing is wrong and nobody listens.
    let is_broken_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    if error.chain().filter_map(|c| c.downcast_ref()).any(is_broken_pipe) {
        return 0;
    }
    let text = format!("{error:#}");
    let prefix = if text.starts_with("error:") { "" } else { "error: " };
    eprintln!("{prefix}{text}");
    1
}

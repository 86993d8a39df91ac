//! The size of a terminal, by our end of it.

use std::os::fd::AsFd;

use rustix::termios::Winsize;

/// Sets it; the processes in the foreground of the terminal are told.
///
/// # Errors
/// As the kernel says.
pub(super) fn size(ours: impl AsFd, rows: u16, columns: u16) -> rustix::io::Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(ours, size)
}

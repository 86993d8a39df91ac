//! How the system's allocator keeps what the program frees: it should hand it back.
//!
//! glibc raises its bound for blocks with a mapping of their own up to 32 MB as such blocks are freed. Columns that
//! grow by doubling then leave their old halves as holes in its arenas: a third of the memory of a list of a million
//! records (`benches/peers.py --only records`). Other C libraries do nothing of this, and nothing is done there.

#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(
        unsafe_code,
        reason = "mallopt and malloc_trim exist as raw calls only"
    )
)]

/// Sets the allocator's bounds for good; for the first line of a program. Large blocks are mappings of their own, which
/// go when they are freed; ends of arenas stay up to a few megabytes, since taking them anew for each batch costs more
/// than the work on it.
pub fn set_up() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const OWN_MAPPING: libc::c_int = 1 << 20;
        const LOOSE_END: libc::c_int = 4 << 20;
        // SAFETY: the calls set numbers that the allocator reads under its own lock; values out of range are refused.
        let _is_set = unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING)
                & libc::mallopt(libc::M_TRIM_THRESHOLD, LOOSE_END)
        };
    }
}

/// Hands free pages back to the system. Locks one arena after the other for milliseconds: for moments when nobody waits,
/// on a thread that nobody waits for.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: any thread may call it at any time; the allocator locks what it looks at.
        let _is_less = unsafe { libc::malloc_trim(0) };
    }
}

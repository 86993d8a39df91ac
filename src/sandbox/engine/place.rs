//! Where engines listen.

use std::path::PathBuf;

use crate::error::Result;
use crate::sandbox::engine::socket_of;

/// The sockets to try: what the environment names, and nothing else then; or those at the usual places that exist.
///
/// # Errors
/// *user* when the environment names no socket of this machine.
pub(super) fn candidates() -> Result<Vec<PathBuf>> {
    let named = ["DOCKER_HOST", "CONTAINER_HOST"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    if let Some(host) = named {
        return Ok(vec![socket_of(&host)?]);
    }
    let mut usual = vec![
        PathBuf::from("/var/run/docker.sock"),
        PathBuf::from("/run/podman/podman.sock"),
    ];
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        usual.push(runtime.join("docker.sock"));
        usual.push(runtime.join("podman/podman.sock"));
    }
    if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
        usual.push(home.join(".docker/run/docker.sock"));
    }
    usual.retain(|path| path.exists());
    Ok(usual)
}

fn main() -> std::process::ExitCode {
    let paths: Vec<std::path::PathBuf> = std::env::args_os().skip(1).map(Into::into).collect();
    let title = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" ");
    let dirs = hgview::config::Paths::of_environment();
    let (settings, problems) = hgview::config::load(&dirs);
    let store = hgview::store::Store::open(&hgview::store::OpenOptions { paths, ..Default::default() }).unwrap();
    match hgview::ui::run(hgview::ui::RunOptions { store, title, settings, problems, paths: dirs, first_step: None }) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(err) => { eprintln!("{err}"); std::process::ExitCode::FAILURE }
    }
}

//! The window: a thin shell around the desk of `deskbell-server`.
//!
//! The desk is opened next to the window and lives without it: the window may close, reload or crash, and nothing is
//! lost. `call` and `watch` (`commands.rs`) are all that the console knows of it.

mod again;
mod alerts;
mod attention;
#[cfg(target_os = "linux")]
mod bus;
mod commands;
mod console;
mod idle;
mod instance;
mod notices;
mod quit;
mod shell;
mod texts;
mod tray;
mod watching;
mod window;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use deskbell_server::arguments::{self, Arguments};
use deskbell_server::{Desk, Options};
use tauri::async_runtime::spawn;
use tauri::{AppHandle, RunEvent, WindowEvent};

use shell::Shell;
use window::MAIN;

/// How long after it could not be opened the desk is tried again.
const REOPEN: Duration = Duration::from_secs(2);

/// Starts the desk and its window, and returns when both are closed.
pub fn run() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        println!("{}", arguments::help("deskbell"));
        return ExitCode::SUCCESS;
    }
    if arguments.version {
        println!("deskbell {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    // Before anything is done, since what follows may begin anew.
    #[cfg(target_os = "linux")]
    if has_display() {
        bus::leave_if_silent();
    }
    if let Some(file) = &arguments.restore {
        match deskbell_server::restore(&absolute(arguments.data_dir()), file) {
            Ok(sentence) => println!("{sentence}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if !has_display() {
        eprintln!(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). \
             deskbell-server is the same desk without a window."
        );
        return ExitCode::FAILURE;
    }
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match build(arguments) {
        Ok(app) => ExitCode::from(u8::try_from(app.run_return(on_event)).unwrap_or(1)),
        Err(error) => {
            instance::try_again(&error);
            eprintln!("The window cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// GTK panics where there is none.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn build(arguments: Arguments) -> tauri::Result<tauri::App> {
    let data_dir = absolute(arguments.data_dir());
    let mut context = tauri::generate_context!();
    // One desk a data folder, and as many desks as there are folders.
    let mut instance = context.config().identifier.clone();
    if data_dir != deskbell_server::default_data_dir() {
        instance = format!("{instance}.d{:016x}", digest(&data_dir));
    }
    // Elsewhere an instance has no name but the app's own.
    if cfg!(not(target_os = "linux")) {
        context.config_mut().identifier.clone_from(&instance);
    }
    let single_instance = tauri_plugin_single_instance::Builder::new()
        .dbus_id(instance)
        .callback(|app, _arguments, _folder| window::show(app))
        .build();
    let window_state = tauri_plugin_window_state::Builder::new()
        // Absolute, and so beside the desk's own files rather than in the system's folder for settings.
        .with_filename(data_dir.join("window.json").to_string_lossy())
        .with_state_flags(window::REMEMBERED)
        .with_filter(|label| label == MAIN)
        .build();
    tauri::Builder::default()
        // First: a second start ends here.
        .plugin(single_instance)
        .plugin(window_state)
        .manage(Shell::new(data_dir.clone()))
        .invoke_handler(tauri::generate_handler![
            commands::call,
            commands::watch,
            commands::watch_next,
            commands::open_test_customer
        ])
        .setup(move |app| {
            let app = app.handle();
            console::provide(app);
            let options = Options { data_dir, listen: arguments.listen, console: console::file };
            quit::on_signals(app);
            spawn(open_desk(app.clone(), options));
            tray::create(app);
            window::open(app)?;
            Ok(())
        })
        .build(context)
}

/// Opens the desk while the window is being made. When it cannot, the console says why, and this tries again: the other
/// Deskbell on the data folder may close.
async fn open_desk(app: AppHandle, options: Options) {
    let shell = window::shell(&app);
    let desk = loop {
        match Desk::open(options.clone()).await {
            Ok(desk) => break desk,
            Err(error) => {
                let is_news = !shell.has_failed();
                shell.failed(&error);
                if is_news {
                    tracing::error!("the desk cannot be opened: {error}");
                }
                tokio::time::sleep(REOPEN).await;
            }
        }
    };
    shell.opened(desk.clone());
    spawn(attention::attend(app.clone(), desk.clone()));
    spawn(idle::attend(desk.clone()));
    desk.listen().await;
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::WindowEvent { label, event, .. } if label == MAIN => match event {
            WindowEvent::CloseRequested { api, .. } => {
                api.prevent_close();
                quit::close_window(app);
            }
            WindowEvent::Focused(focused) => window::shell(app).set_focused(focused),
            _ => {}
        },
        // Without a code it is the system or the last window that asks; with one it is quit itself.
        RunEvent::ExitRequested { code: None, api, .. } => {
            api.prevent_exit();
            quit::quit(app);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::show(app),
        _ => {}
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Names the folder itself rather than one of its names: symbolic links above it are followed.
fn digest(path: &Path) -> u64 {
    let followed = path.ancestors().find_map(|existing| {
        let rest = path.strip_prefix(existing).ok()?;
        Some(existing.canonicalize().ok()?.join(rest))
    });
    let mut digest = DefaultHasher::new();
    followed.as_deref().unwrap_or(path).hash(&mut digest);
    digest.finish()
}

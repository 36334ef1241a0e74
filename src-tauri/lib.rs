//! The window: a thin shell around the desk of `deskbell-server`.

use std::process::ExitCode;

/// Starts the desk and its window, and returns when both are closed.
pub fn run() -> ExitCode {
    let built = tauri::Builder::default()
        .setup(|app| {
            tauri::WebviewWindowBuilder::new(app, "main", tauri::WebviewUrl::default())
                .title("Deskbell")
                .inner_size(1280.0, 800.0)
                .min_inner_size(720.0, 520.0)
                .build()?;
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|_, _| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("The window cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

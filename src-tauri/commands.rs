//! What the console's window may ask of the shell. Each is declared in build.rs and allowed in tauri.conf.json.

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::Listening;
use deskbell_protocol::{Code, Refusal};
use tauri::ipc;
use tauri::{AppHandle, State};

use crate::shell::Shell;
use crate::window;

/// Asks the desk.
#[tauri::command]
pub(crate) async fn call(shell: State<'_, Shell>, request: Request) -> Result<Response, Refusal> {
    let desk = shell.desk().await?;
    // A snapshot that is asked for together with a watch must not be older than the watch.
    let activity = shell.watching.begun().await;
    if let Request::WatchActivity { on } = request {
        if let Some(activity) = activity {
            activity.set(on);
        }
        return Ok(Response::Done {});
    }
    desk.call(request).await
}

/// Begins to record what happens for this page. Not async: it takes its place before the calls that follow it.
#[tauri::command]
pub(crate) fn watch(app: AppHandle, shell: State<'_, Shell>) -> u32 {
    shell.watching.begin(&app)
}

/// The next batch of a watch.
#[tauri::command]
pub(crate) async fn watch_next(
    shell: State<'_, Shell>,
    watch: u32,
    after: i64,
) -> Result<ipc::Response, Refusal> {
    shell.watching.next(watch, after).await.map(ipc::Response::new)
}

/// Opens a window that plays a customer.
#[tauri::command]
pub(crate) async fn open_test_customer(app: AppHandle, shell: State<'_, Shell>) -> Result<(), Refusal> {
    let desk = shell.desk().await?;
    let Listening::Listening { url, .. } = desk.listening() else {
        return Err(Refusal::new(
            Code::AddressUnavailable,
            "The desk is not listening, so no customer can connect. Choose an address first.",
        )
        .in_chinese("客服台没有在监听，客户无法连接。请先选择地址。"));
    };
    window::open_test_customer(&app, &url, desk.console_language()).map_err(|error| {
        Refusal::new(Code::Internal, format!("The window cannot be opened: {error}"))
            .in_chinese(format!("无法打开窗口：{error}"))
    })
}

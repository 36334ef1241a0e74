//! What went wrong, in Chinese: the same sentences as the errors' own. What the system and SQLite say stands in them as it is.

use rusqlite::ErrorCode;

use crate::{OpenError, UpkeepError};

impl OpenError {
    /// The sentence in Chinese.
    #[must_use]
    pub fn in_chinese(&self) -> String {
        match self {
            Self::Folder { folder, error } => {
                format!("无法使用数据文件夹 {}：{error}。请用 --data 另选一个。", folder.display())
            }
            Self::InUse(folder) => {
                format!("另一个 Deskbell 正在使用 {}。请关闭它，或用 --data 另选文件夹。", folder.display())
            }
            Self::Newer { path, found, known } => format!(
                "{} 中的数据由更新版本的 Deskbell 写入（格式 {found}，此版本支持到 {known}）。请更新 Deskbell。",
                path.display()
            ),
            Self::Damaged { path, what, last_good } => {
                let offer = match last_good {
                    Some(name) => format!(
                        "请用 --restore {name} 启动一次以恢复最近的完好备份；损坏的数据库会另行保留。"
                    ),
                    None => "没有可用的备份；可用 --restore FILE 恢复您自己的副本。".to_owned(),
                };
                format!("数据库 {} 已损坏（{what}），未作任何更改。{offer}", path.display())
            }
            Self::Backup(error) => {
                format!("更改数据格式之前须先备份，但备份失败：{}", error.in_chinese())
            }
            Self::Restore(error) => format!("恢复的数据库未能就位：{}", error.in_chinese()),
            Self::Database(error) => {
                let advice = match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => "请在其磁盘上腾出空间，然后重新启动。",
                    Some(ErrorCode::SystemIoFailure) => "请检查其磁盘和剩余空间，然后重新启动。",
                    _ => "",
                };
                format!("无法打开数据库：{error}。{advice}")
            }
            Self::Thread(error) => format!("无法启动写入线程：{error}。"),
        }
    }
}

impl UpkeepError {
    /// The sentence in Chinese.
    #[must_use]
    pub fn in_chinese(&self) -> String {
        match self {
            Self::Busy => "客服台正在处理数据（备份、恢复或删除），请在完成后重试。".to_owned(),
            Self::File { path, error } => {
                format!("无法读写 {}：{error}。请检查剩余空间和权限，然后重试。", path.display())
            }
            Self::Database(error) => {
                format!("数据库拒绝了操作：{error}。请检查剩余空间和权限，然后重试。")
            }
            Self::Damaged { path, what } => format!("{} 已损坏（{what}）。", path.display()),
            Self::Missing(path) => format!("没有备份 {}。", path.display()),
            Self::NotABackup(path) => format!("{} 不是 Deskbell 的备份。", path.display()),
            Self::Newer { path, found, known } => format!(
                "{} 由更新版本的 Deskbell 写入（格式 {found}，此版本支持到 {known}）。请先更新 Deskbell。",
                path.display()
            ),
            Self::NoSuchConversation => "该会话已不存在。".to_owned(),
            Self::Closed => "客服台正在关闭。".to_owned(),
            Self::Reopen(error) => error.in_chinese(),
        }
    }
}

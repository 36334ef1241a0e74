//! Answers as files: CSV for spreadsheets, JSON for programs, and the starter set.

use deskbell_protocol::limits::cut;
use deskbell_protocol::responder::{Answer, FileFormat, ImportProblem};
use deskbell_protocol::settings::Language;
use deskbell_protocol::{AnswerId, Code, Refusal};
use serde::Deserialize;

use super::import::{PROBLEMS, problem};
use super::validate::bounded;

/// The columns of a CSV file.
const COLUMNS: [&str; 6] = ["id", "enabled", "questions", "reply", "languages", "labels"];
/// Spreadsheets see this and read the file as UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A record of a JSON file: what is missing has its default.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    id: i64,
    #[serde(default = "yes")]
    enabled: bool,
    questions: Vec<String>,
    reply: String,
    #[serde(default)]
    languages: Vec<Language>,
    #[serde(default)]
    labels: Vec<String>,
}

fn yes() -> bool {
    true
}

impl From<Record> for Answer {
    fn from(record: Record) -> Self {
        let Record { id, enabled, questions, reply, languages, labels } = record;
        Self { id: AnswerId(id), enabled, questions, reply, languages, labels }
    }
}

/// The answers of a file, each within its bounds.
///
/// # Errors
/// What cannot be read, record by record, at most 100 of them.
pub fn read_answers(format: FileFormat, content: &str) -> Result<Vec<Answer>, Vec<ImportProblem>> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let records = match format {
        FileFormat::Csv => csv_records(content)?,
        FileFormat::Json => json_records(content)?,
    };
    let mut answers = Vec::with_capacity(records.len());
    let mut problems = Vec::new();
    for (at, record) in records.into_iter().enumerate() {
        match record.and_then(bounded) {
            Ok(answer) => answers.push(answer),
            Err(refusal) if problems.len() < PROBLEMS => problems.push(problem(at + 1, refusal)),
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(answers) } else { Err(problems) }
}

type Records = Vec<Result<Answer, Refusal>>;

/// Why a file, or a record of it, cannot be read, in English and in Chinese.
fn unreadable(message: impl Into<String>, chinese: impl Into<String>) -> Refusal {
    Refusal::new(Code::Malformed, message).in_chinese(chinese)
}

fn json_records(content: &str) -> Result<Records, Vec<ImportProblem>> {
    let values: Vec<serde_json::Value> = serde_json::from_str(content).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        vec![problem(
            0,
            unreadable(
                format!("This is not a JSON array of answers: {error}."),
                format!("这不是由答案组成的 JSON 数组：第 {line} 行第 {column} 列有误。"),
            ),
        )]
    })?;
    Ok(values
        .into_iter()
        .map(|value| {
            serde_json::from_value::<Record>(value).map(Answer::from).map_err(|error| {
                unreadable(
                    format!("This is not an answer: {error}."),
                    format!("这不是一条答案：须有问法 questions 和回复 reply（{error}）。"),
                )
            })
        })
        .collect())
}

fn csv_records(content: &str) -> Result<Records, Vec<ImportProblem>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(content))
        .flexible(true)
        .from_reader(content.as_bytes());
    let header = reader.headers().cloned().map_err(|error| {
        let refusal =
            unreadable(format!("This is not a CSV file: {error}."), format!("这不是 CSV 文件：{error}。"));
        vec![problem(0, refusal)]
    })?;
    let place = |column: &str| header.iter().position(|name| name.trim().eq_ignore_ascii_case(column));
    let places = COLUMNS.map(place);
    let [_, _, Some(_), Some(_), _, _] = places else {
        let columns = COLUMNS.join(",");
        let refusal = unreadable(
            format!("The first line must name the columns: {columns}."),
            format!("第一行须为列名：{columns}。"),
        );
        return Err(vec![problem(0, refusal)]);
    };
    Ok(reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| {
                unreadable(
                    format!("This line cannot be read: {error}."),
                    format!("这一行无法读取：{error}。"),
                )
            })?;
            let [id, enabled, questions, reply, languages, labels] =
                places.map(|place| plain(place.and_then(|place| record.get(place)).unwrap_or_default()));
            Ok(Answer {
                id: AnswerId(number(id)?),
                enabled: switch(enabled)?,
                questions: lines(questions),
                reply: reply.replace("\r\n", "\n"),
                languages: languages_of(languages)?,
                labels: lines(labels),
            })
        })
        .collect())
}

/// What the header line has most of: spreadsheets write semicolons where a comma is the decimal point.
fn delimiter(content: &str) -> u8 {
    let header = content.lines().next().unwrap_or_default();
    let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn number(text: &str) -> Result<i64, Refusal> {
    match text.trim() {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let shown = cut(text, 80);
            unreadable(
                format!("“{shown}” is not an id: write a number, or nothing."),
                format!("“{shown}”不是编号：请填数字，或留空。"),
            )
        }),
    }
}

fn switch(text: &str) -> Result<bool, Refusal> {
    match text.trim().to_lowercase().as_str() {
        "" | "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        other => {
            let shown = cut(other, 80);
            Err(unreadable(
                format!("“{shown}” in the column “enabled”: write true or false."),
                format!("“enabled”列中的“{shown}”无效：请填 true 或 false。"),
            ))
        }
    }
}

fn languages_of(text: &str) -> Result<Vec<Language>, Refusal> {
    let tags = text.split(['\n', '\r', ',', ';', ' ']).map(str::trim).filter(|tag| !tag.is_empty());
    tags.map(|tag| {
        Language::of_tag(tag).ok_or_else(|| {
            let shown = cut(tag, 80);
            unreadable(
                format!("“{shown}” is not a language here: write en or zh-CN."),
                format!("不支持语言“{shown}”：请填 en 或 zh-CN。"),
            )
        })
    })
    .collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Answers as a file.
#[must_use]
pub fn write_answers(format: FileFormat, answers: &[Answer]) -> String {
    match format {
        FileFormat::Json => {
            let mut text = serde_json::to_string_pretty(answers).unwrap_or_else(|_| "[]".to_owned());
            text.push('\n');
            text
        }
        FileFormat::Csv => csv_text(answers).unwrap_or_default(),
    }
}

fn csv_text(answers: &[Answer]) -> Option<String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(BYTE_ORDER_MARK.to_string().into_bytes());
    writer.write_record(COLUMNS).ok()?;
    for answer in answers {
        let languages: Vec<&str> = answer.languages.iter().map(|language| tag(*language)).collect();
        let cells = [
            answer.id.0.to_string(),
            answer.enabled.to_string(),
            answer.questions.join("\n"),
            answer.reply.clone(),
            languages.join("\n"),
            answer.labels.join("\n"),
        ];
        writer.write_record(cells.map(harmless)).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::ZhCn => "zh-CN",
    }
}

/// Whether a spreadsheet would take a cell for a formula, or for one that was made harmless.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

/// The cell as it was before it was made harmless.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

/// About twenty answers in each language to begin with. They are for customers of any language: who writes Chinese to a
/// desk that speaks English is answered in Chinese.
#[must_use]
pub fn starter_answers() -> Vec<Answer> {
    read_answers(FileFormat::Json, include_str!("starter.json")).unwrap_or_default()
}

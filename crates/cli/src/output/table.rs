//! Columns, four spaces apart, with a dashed line below the header. Must never cut or wrap a value: scripts split these lines.

const GAP: usize = 4;
const NOTHING: &str = "n/a";

/// Two columns, `Key` and `Value`.
pub(crate) fn pairs<K: AsRef<str>>(rows: &[(K, String)]) -> String {
    columns(&["Key", "Value"], &rows.iter().map(|(key, value)| vec![key.as_ref().to_owned(), value.clone()]).collect::<Vec<_>>())
}

/// A line for the header, one of dashes, one for each row; each ends in a line feed. Empty cells say `n/a`.
pub(crate) fn columns(header: &[&str], rows: &[Vec<String>]) -> String {
    let head = header.iter().map(|title| (*title).to_owned()).collect();
    let dashes = header.iter().map(|title| "-".repeat(title.chars().count())).collect();
    let lines: Vec<&Vec<String>> = [&head, &dashes].into_iter().chain(rows).collect();
    let width =
        |index: usize| lines.iter().filter_map(|line| line.get(index)).map(|cell| shown(cell).chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    lines.into_iter().map(|line| self::line(line, &widths)).collect()
}

/// Lines without columns, such as the rows of the seal status: names and values, no header.
pub(crate) fn plain_pairs(rows: &[(&str, String)]) -> String {
    let cells: Vec<Vec<String>> = rows.iter().map(|(key, value)| vec![(*key).to_owned(), value.clone()]).collect();
    let width = rows.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    cells.iter().map(|row| line(row, &[width, 0])).collect()
}

/// A title in the middle of a rule as wide as the table of `keys` below it.
pub(crate) fn title_over<'a>(title: &str, keys: impl Iterator<Item = &'a str>) -> String {
    let longest = keys.map(|key| key.chars().count()).max().unwrap_or(0);
    title_in(title, longest.saturating_add(GAP).saturating_add("Value".len()))
}

/// The same over text of `width` characters.
pub(crate) fn title_in(title: &str, width: usize) -> String {
    let free = width.saturating_sub(title.chars().count()).saturating_sub(2);
    let rule = "=".repeat(if free == 0 { 2 } else { free.div_ceil(2) });
    format!("{rule} {title} {rule}\n")
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let last = cells.len().saturating_sub(1);
    let mut text = String::new();
    for (index, cell) in cells.iter().enumerate() {
        let cell = shown(cell);
        text.push_str(cell);
        if index < last {
            let width = widths.get(index).copied().unwrap_or(0).saturating_add(GAP);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
    }
    text.push('\n');
    text
}

fn shown(cell: &str) -> &str {
    if cell.is_empty() { NOTHING } else { cell }
}

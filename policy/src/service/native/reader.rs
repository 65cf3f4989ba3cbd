//! Tables and values with their places, and the problems found in them.
//!
//! Whoever reads a table takes the keys that it knows out of it; what is left at the end is
//! unknown. A problem marks the part being read as failed, so that no service is made of a
//! table in which something is wrong.

use crate::diagnostic::{Diagnostic, position};
use crate::profile::{Value, suggestion};
use crate::service::Origin;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects problems, all of one file.
pub(super) struct Reader<'a> {
    file: usize,
    text: &'a [u8],
    diagnostics: Vec<Diagnostic>,
    /// Problems in the part being read; what follows from them is not known yet.
    failed: Vec<(Range<usize>, String)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: usize, text: &'a [u8]) -> Self {
        Reader {
            file,
            text,
            diagnostics: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// A problem in the part being read.
    pub(super) fn fail(&mut self, span: Range<usize>, what: impl Into<String>) {
        self.failed.push((span, what.into()));
    }

    /// A problem whose consequence is known.
    pub(super) fn error(&mut self, span: Range<usize>, what: impl Into<String>, consequence: &str) {
        let end = span.end.min(self.text.len());
        let span = span.start.min(end)..end;
        self.diagnostics
            .push(Diagnostic::error(self.file, span, what, consequence));
    }

    /// Ends a part: whether anything failed, in which case `consequence` follows.
    pub(super) fn take_failed(&mut self, consequence: &str) -> bool {
        let failed = std::mem::take(&mut self.failed);
        let any = !failed.is_empty();
        for (span, what) in failed {
            self.error(span, what, consequence);
        }
        any
    }

    /// Ends a part that makes something of a service: `None` unless all of it is understood.
    pub(super) fn whole<T>(&mut self, name: &Text, made: Option<T>) -> Option<T> {
        let consequence = format!("the service `{}` is not started; the others are", name.text);
        if self.take_failed(&consequence) {
            None
        } else {
            made
        }
    }

    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        let (line, _) = position(self.text, span.start);
        Origin {
            file: self.file,
            span: span.clone(),
            line,
        }
    }

    /// All problems, in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.span.start);
        self.diagnostics
    }
}

/// A string with its place.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

impl Text {
    /// The string as an absolute path.
    pub(super) fn absolute(self, reader: &mut Reader) -> Option<String> {
        if self.text.starts_with('/') && !self.text.contains('\0') {
            return Some(self.text);
        }
        reader.fail(
            self.span,
            format!("`{}` is not an absolute path", self.text),
        );
        None
    }
}

/// A value with its key.
pub(super) struct Item<'t> {
    /// The key with its place.
    pub(super) key: Text,
    /// Where the value is.
    pub(super) span: Range<usize>,
    value: &'t DeValue<'t>,
}

/// A table of which keys are taken.
pub(super) struct Table<'t> {
    /// Where it is.
    pub(super) span: Range<usize>,
    items: BTreeMap<&'t str, Item<'t>>,
    taken: Vec<String>,
}

fn item<'t>(
    key: &'t Spanned<std::borrow::Cow<'t, str>>,
    value: &'t Spanned<DeValue<'t>>,
) -> Item<'t> {
    let key = Text {
        text: key.get_ref().clone().into_owned(),
        span: key.span(),
    };
    Item {
        key,
        span: value.span(),
        value: value.get_ref(),
    }
}

impl<'t> Table<'t> {
    pub(super) fn new(span: Range<usize>, table: &'t DeTable<'t>) -> Self {
        let items = table
            .iter()
            .map(|(key, value)| (&**key.get_ref(), item(key, value)))
            .collect();
        Table {
            span,
            items,
            taken: Vec::new(),
        }
    }

    /// Takes the value of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<Item<'t>> {
        self.taken.push(key.to_owned());
        self.items.remove(key)
    }

    /// Takes a table within.
    pub(super) fn table(&mut self, reader: &mut Reader, key: &str) -> Option<Table<'t>> {
        self.take(key)?.table(reader)
    }

    /// Takes a table of tables, each with its name.
    pub(super) fn tables(&mut self, reader: &mut Reader, key: &str) -> Vec<(Text, Table<'t>)> {
        let Some(outer) = self.table(reader, key) else {
            return Vec::new();
        };
        let named = |item: Item<'t>| Some((item.key.clone(), item.table(reader)?));
        outer.items.into_values().filter_map(named).collect()
    }

    /// Takes everything as directives, each with the place of its key.
    pub(super) fn values(mut self, reader: &mut Reader) -> Vec<(Text, Value)> {
        let items = std::mem::take(&mut self.items).into_values();
        let mut values: Vec<(Text, Value)> = items
            .filter_map(|item| Some((item.key.clone(), item.value(reader)?)))
            .collect();
        values.sort_by_key(|(key, _)| key.span.start);
        values
    }

    /// Ends the table: what has not been taken is unknown.
    pub(super) fn finish(self, reader: &mut Reader) {
        for item in self.items.into_values() {
            let Text { text, span } = item.key;
            let hint = suggestion(&text, self.taken.iter().map(String::as_str));
            reader.fail(span, format!("unknown key `{text}`{hint}"));
        }
    }
}

impl<'t> Item<'t> {
    fn wrong(&self, reader: &mut Reader, wanted: &str) {
        let what = format!(
            "`{}` must be {wanted}, not {}",
            self.key.text,
            self.value.type_str()
        );
        reader.fail(self.span.clone(), what);
    }

    /// The value as a table.
    pub(super) fn table(self, reader: &mut Reader) -> Option<Table<'t>> {
        let Some(table) = self.value.as_table() else {
            self.wrong(reader, "a table");
            return None;
        };
        // A table written as `[name]` has no place of its own that is worth showing.
        Some(Table::new(self.key.span, table))
    }

    /// The value as a string.
    pub(super) fn string(self, reader: &mut Reader) -> Option<Text> {
        let Some(text) = self.value.as_str() else {
            self.wrong(reader, "a string");
            return None;
        };
        Some(Text {
            text: text.to_owned(),
            span: self.span,
        })
    }

    /// The value as an array of strings.
    pub(super) fn strings(self, reader: &mut Reader) -> Option<Vec<Text>> {
        let string = |value: &Spanned<DeValue<'_>>| {
            Some(Text {
                text: value.get_ref().as_str()?.to_owned(),
                span: value.span(),
            })
        };
        let strings = self
            .value
            .as_array()
            .and_then(|array| array.iter().map(string).collect());
        if strings.is_none() {
            self.wrong(reader, "an array of strings");
        }
        strings
    }

    /// The value, if it is true or false.
    pub(super) fn flag(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// The value as true or false.
    pub(super) fn boolean(self, reader: &mut Reader) -> Option<bool> {
        if self.flag().is_none() {
            self.wrong(reader, "true or false");
        }
        self.flag()
    }

    fn integer(&self) -> Option<i64> {
        let integer = self.value.as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// The value as a number in a range.
    pub(super) fn number(
        self,
        reader: &mut Reader,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let number = self.integer().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let what = format!(
                "`{}` must be a number from {} to {}",
                self.key.text,
                range.start(),
                range.end()
            );
            reader.fail(self.span, what);
        }
        number
    }

    /// The value of a directive.
    fn value(self, reader: &mut Reader) -> Option<Value> {
        let strings = || {
            let texts = self
                .value
                .as_array()?
                .iter()
                .map(|value| value.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        };
        let text = self.value.as_str().map(|text| Value::Text(text.to_owned()));
        let value = text
            .or_else(|| self.flag().map(Value::Flag))
            .or_else(|| self.integer().map(Value::Number))
            .or_else(strings);
        if value.is_none() {
            self.wrong(
                reader,
                "a string, a number, true, false or an array of strings",
            );
        }
        value
    }
}

//! Reads one TOML table by key, and reports what doesn't fit together with its place.

use super::Fault;
use super::desk::Desk;
use super::fault::{listed, shown};
use crate::ids::BadId;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value and the byte offset where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// A table with the name that messages call it by.
pub(super) struct Table<'a> {
    pub(super) name: String,
    pub(super) at: usize,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// Takes a table and reports the keys in it that nobody reads.
    #[inline(never)]
    pub(super) fn new(
        name: String,
        at: usize,
        entries: &'a DeTable<'a>,
        known: &[&'static str],
        desk: &mut Desk<'_>,
    ) -> Self {
        for key in entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let (table, known) = (name.clone(), listed(known));
            let fault = Fault::UnknownKey { key: shown(key.get_ref()), table, known };
            desk.report(key.span().start, fault);
        }
        Self { name, at, entries }
    }

    /// The value of `key` as it stands.
    pub(super) fn raw(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries.get(key)
    }

    /// The text of `key`.
    #[inline(never)]
    pub(super) fn text(&self, key: &str, desk: &mut Desk<'_>) -> Option<Located<&'a str>> {
        let found = self.raw(key)?;
        self.as_text(key, found, desk)
    }

    /// The text of `key`, checked by `read`.
    pub(super) fn checked<T>(
        &self,
        key: &'static str,
        desk: &mut Desk<'_>,
        read: fn(&str) -> Result<T, BadId>,
    ) -> Option<Located<T>> {
        let text = self.text(key, desk)?;
        self.read_text(key, &text, desk, read)
    }

    /// Reports that `key` is needed, unless it is there in whatever form.
    #[inline(never)]
    pub(super) fn need(&self, key: &'static str, what: &'static str, desk: &mut Desk<'_>) {
        if self.raw(key).is_none() {
            desk.report(self.at, Fault::Missing { key, table: self.name.clone(), what });
        }
    }

    /// The whole number of `key`, within bounds.
    #[inline(never)]
    pub(super) fn number(
        &self,
        key: &'static str,
        least: u32,
        most: u32,
        desk: &mut Desk<'_>,
    ) -> Option<u32> {
        let found = self.raw(key)?;
        let DeValue::Integer(number) = found.get_ref() else {
            self.wrong_type(key, found, "a whole number", desk);
            return None;
        };
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                let (table, found_text) = (self.name.clone(), shown(number.as_str()));
                let fault = Fault::Range { key, table, found: found_text, least, most };
                desk.report(found.span().start, fault);
                None
            }
        }
    }

    /// The word of `key`, one of `known`.
    #[inline(never)]
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        known: &[(&'static str, T)],
        desk: &mut Desk<'_>,
    ) -> Option<T> {
        let text = self.text(key, desk)?;
        let found = known.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let known = listed(known.iter().map(|(word, _)| *word));
            let (table, found) = (self.name.clone(), shown(text.value));
            desk.report(text.at, Fault::Choice { key, table, found, known });
        }
        found.map(|(_, value)| *value)
    }

    /// The table of `key`.
    #[inline(never)]
    pub(super) fn table(
        &self,
        key: &'static str,
        known: &[&'static str],
        desk: &mut Desk<'_>,
    ) -> Option<Table<'a>> {
        let found = self.raw(key)?;
        let DeValue::Table(entries) = found.get_ref() else {
            self.wrong_type(key, found, "a table", desk);
            return None;
        };
        let name = if self.name == ROOT { format!("[{key}]") } else { self.inner(key) };
        Some(Table::new(name, found.span().start, entries, known, desk))
    }

    /// The texts of the list `key`, each checked by `read`; an absent list is `None`.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        desk: &mut Desk<'_>,
        read: fn(&str) -> Result<T, BadId>,
    ) -> Option<Vec<Located<T>>> {
        let texts = self.texts(key, desk)?;
        Some(texts.iter().filter_map(|text| self.read_text(key, text, desk, read)).collect())
    }

    /// The texts of the list `key`; an absent list is `None`.
    #[inline(never)]
    pub(super) fn texts(
        &self,
        key: &'static str,
        desk: &mut Desk<'_>,
    ) -> Option<Vec<Located<&'a str>>> {
        let items = self.array(key, "a list of texts", desk)?;
        Some(items.iter().filter_map(|item| self.as_text(key, item, desk)).collect())
    }

    /// The tables of the list `key`, each with its place; an absent list is `None`.
    #[inline(never)]
    pub(super) fn tables(
        &self,
        key: &'static str,
        desk: &mut Desk<'_>,
    ) -> Option<Vec<Located<&'a DeTable<'a>>>> {
        let items = self.array(key, "a list of tables, such as [[…]]", desk)?;
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(value) => tables.push(Located { value, at: item.span().start }),
                _ => self.wrong_type(key, item, "a table", desk),
            }
        }
        Some(tables)
    }

    /// Reports that `key` holds another type than it should.
    #[inline(never)]
    pub(super) fn wrong_type(
        &self,
        key: &str,
        found: &Spanned<DeValue<'_>>,
        expected: &'static str,
        desk: &mut Desk<'_>,
    ) {
        let (key, table) = (key.to_owned(), self.name.clone());
        let fault = Fault::WrongType { key, table, found: type_name(found.get_ref()), expected };
        desk.report(found.span().start, fault);
    }

    fn array(
        &self,
        key: &'static str,
        expected: &'static str,
        desk: &mut Desk<'_>,
    ) -> Option<&'a DeArray<'a>> {
        let found = self.raw(key)?;
        if let DeValue::Array(items) = found.get_ref() {
            return Some(items);
        }
        self.wrong_type(key, found, expected, desk);
        None
    }

    fn as_text(
        &self,
        key: &str,
        found: &'a Spanned<DeValue<'a>>,
        desk: &mut Desk<'_>,
    ) -> Option<Located<&'a str>> {
        if let DeValue::String(text) = found.get_ref() {
            return Some(Located { value: text, at: found.span().start });
        }
        self.wrong_type(key, found, "a text in quotes", desk);
        None
    }

    fn read_text<T>(
        &self,
        key: &'static str,
        text: &Located<&str>,
        desk: &mut Desk<'_>,
        read: fn(&str) -> Result<T, BadId>,
    ) -> Option<Located<T>> {
        match read(text.value) {
            Ok(value) => Some(Located { value, at: text.at }),
            Err(source) => {
                desk.report(text.at, Fault::Text { key, table: self.name.clone(), source });
                None
            }
        }
    }

    fn inner(&self, key: &str) -> String {
        format!("`{key}` of {}", self.name)
    }
}

/// What messages call the table that is the file itself.
pub(super) const ROOT: &str = "the file";

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

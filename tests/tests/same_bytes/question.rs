use crate::cases::Case;

/// A verb with an input.
pub struct Question {
    /// The verb's name.
    pub verb: &'static str,
    /// What the input is, or what it was made of.
    pub name: String,
    /// Its bytes.
    pub input: Vec<u8>,
}

impl Question {
    /// The one verb that takes nothing.
    pub fn describe() -> Self {
        Self { verb: "describe", name: "nothing".to_owned(), input: Vec::new() }
    }

    /// A committed case.
    pub fn of(case: &Case) -> Self {
        Self { verb: case.verb, name: case.name.clone(), input: case.input.clone() }
    }
}

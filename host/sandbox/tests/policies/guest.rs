//! Small guests, made of WebAssembly text.

use std::fmt::Write as _;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where a guest's answer lies: `result<list<finding>, string>`, twelve bytes.
pub(crate) const ANSWER: u32 = 256;
/// Where its findings lie, 44 bytes each.
const FINDINGS: u32 = 512;
/// Where its texts lie.
const TEXTS: u32 = 16_384;

/// A guest that answers with no finding, unless it is told otherwise.
pub(crate) struct Guest {
    imports: String,
    packages: String,
    core_imports: String,
    fields: String,
    describe: String,
    evaluate: String,
    data: Vec<(u32, Vec<u8>)>,
    texts: u32,
}

impl Guest {
    pub(crate) fn new() -> Self {
        let mut guest = Self {
            imports: String::new(),
            packages: String::new(),
            core_imports: String::new(),
            fields: "(memory (export \"memory\") 16)".to_owned(),
            describe: "(i32.const 128)".to_owned(),
            evaluate: format!("(i32.const {ANSWER})"),
            data: Vec::new(),
            texts: TEXTS,
        };
        let (name, version) = (guest.text(b"guest"), guest.text(b"1.0.0"));
        let description = [name, version, name, [0, 0], [0, 0]].concat();
        guest.words(128, &description);
        guest
    }

    /// Adds an import to the world, `wit` its interface with all that it needs, `core` how the
    /// module imports it.
    pub(crate) fn import(mut self, name: &str, wit: &str, core: &str) -> Self {
        writeln!(self.imports, "import {name};").unwrap();
        self.packages.push_str(wit);
        self.core_imports.push_str(core);
        self
    }

    /// Further fields of the module; a memory must be among them.
    pub(crate) fn fields(mut self, fields: &str) -> Self {
        fields.clone_into(&mut self.fields);
        self
    }

    /// The instructions of `evaluate`.
    pub(crate) fn evaluate(mut self, body: &str) -> Self {
        body.clone_into(&mut self.evaluate);
        self
    }

    /// The instructions of `evaluate`, and then the answer that lies in memory.
    pub(crate) fn first(self, body: &str) -> Self {
        self.evaluate(&format!("{body} (i32.const {ANSWER})"))
    }

    /// The instructions of `describe`.
    pub(crate) fn describe(mut self, body: &str) -> Self {
        body.clone_into(&mut self.describe);
        self
    }

    /// Answers with one finding.
    pub(crate) fn finds(self, code: &[u8], sentence: &[u8]) -> Self {
        self.finds_as(code, 0, sentence)
    }

    /// Answers with one finding of a severity, by number.
    pub(crate) fn finds_as(mut self, code: &[u8], severity: u32, sentence: &[u8]) -> Self {
        let (code, sentence) = (self.text(code), self.text(sentence));
        let finding = [code, [severity, sentence[0]], [sentence[1], 0]].concat();
        self.words(FINDINGS, &finding);
        self.answers(1)
    }

    /// Answers with as many findings; those after the ones in memory are of zeros.
    pub(crate) fn answers(mut self, count: u32) -> Self {
        self.words(ANSWER, &[0, FINDINGS, count]);
        self
    }

    /// Answers that it can't judge.
    pub(crate) fn can_not(mut self, why: &[u8]) -> Self {
        let [at, length] = self.text(why);
        self.words(ANSWER, &[1, at, length]);
        self
    }

    /// Says that it wants something.
    pub(crate) fn wants(mut self, capability: &[u8]) -> Self {
        let text = self.text(capability);
        self.words(200, &[text, text].concat());
        self.words(128 + 32, &[200, 1]);
        self
    }

    /// Says that it is called so.
    pub(crate) fn named(mut self, name: &[u8]) -> Self {
        let name = self.text(name);
        self.words(128, &name);
        self
    }

    /// The component.
    pub(crate) fn build(&self) -> Vec<u8> {
        let world = format!(
            "package test:guest; world guest {{ {} export tidegate:policy/checks@0.0.1; }} {}",
            self.imports, self.packages
        );
        component(&self.module(), &world)
    }

    fn text(&mut self, text: &[u8]) -> [u32; 2] {
        let at = self.texts;
        self.data.push((at, text.to_vec()));
        self.texts += u32::try_from(text.len()).unwrap();
        [at, u32::try_from(text.len()).unwrap()]
    }

    fn words(&mut self, at: u32, words: &[u32]) {
        self.data.push((at, words.iter().flat_map(|word| word.to_le_bytes()).collect()));
    }

    fn module(&self) -> String {
        let mut data = String::new();
        for (at, bytes) in &self.data {
            let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            writeln!(data, "(data (i32.const {at}) \"{bytes}\")").unwrap();
        }
        let Self { core_imports, fields, describe, evaluate, .. } = self;
        format!(
            r#"(module
                {core_imports}
                {fields}
                (global $next (mut i32) (i32.const 65536))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (global.set $next
                        (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                    (global.get $next)
                    (global.set $next (i32.add (global.get $next) (local.get 3))))
                (func (export "tidegate:policy/checks@0.0.1#describe") (result i32) {describe})
                (func $evaluate (export "tidegate:policy/checks@0.0.1#evaluate")
                    (param $input i32) (result i32)
                    (local $n i32)
                    {evaluate})
                {data})"#
        )
    }
}

/// A component of the world `guest` in `wit`, which may name the package of policies.
pub(crate) fn component(module: &str, wit: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("the guest is good text");
    let mut resolve = Resolve::default();
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/wit");
    resolve.push_path(policies).unwrap();
    let package = resolve.push_source("guest.wit", wit).expect("the guest's world is good WIT");
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().expect("the guest fits its world")
}

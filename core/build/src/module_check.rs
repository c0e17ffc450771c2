use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// Why a module or component is not one that both hosts run.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It is malformed or uses a feature that the JVM's runtime can't compile.
    #[error("the {kind} is not valid with the features that every host has: {source}")]
    Invalid {
        /// Module or component.
        kind: Kind,
        /// Where and why.
        #[source]
        source: wasmparser::BinaryReaderError,
    },
    /// It asks its host for something.
    #[error("the {kind} imports {}; it may import nothing", names.join(", "))]
    Imports {
        /// Module or component.
        kind: Kind,
        /// What it imports, as `module.name` or the interface's name.
        names: Vec<String>,
    },
}

/// What is checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Module => "module",
            Self::Component => "component",
        })
    }
}

/// Checks features and imports.
pub(crate) fn check(bytes: &[u8], kind: Kind) -> Result<(), CheckError> {
    let invalid = |source| CheckError::Invalid { kind, source };
    Validator::new_with_features(features(kind)).validate_all(bytes).map_err(invalid)?;
    let names = imports(bytes).map_err(invalid)?;
    if names.is_empty() {
        return Ok(());
    }
    Err(CheckError::Imports { kind, names })
}

/// What the JVM's runtime executes compiled; nothing newer may slip in with a new rustc.
fn features(kind: Kind) -> WasmFeatures {
    let module = WasmFeatures::BULK_MEMORY
        | WasmFeatures::FLOATS
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION;
    match kind {
        Kind::Module => module,
        Kind::Component => module | WasmFeatures::COMPONENT_MODEL,
    }
}

/// The imports of the outermost module or component: what a host would have to give.
fn imports(bytes: &[u8]) -> Result<Vec<String>, wasmparser::BinaryReaderError> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ImportSection(section) if depth == 0 => {
                for import in section.into_imports() {
                    let import = import?;
                    names.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";

    fn module(sections: &[&[u8]]) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        for section in sections {
            bytes.extend_from_slice(section);
        }
        bytes
    }

    #[test]
    fn an_empty_module_passes() {
        assert!(check(&module(&[]), Kind::Module).is_ok());
    }

    #[test]
    fn an_import_is_refused_by_name() {
        // One memory, "env"."memory", of at least one page.
        let bytes = module(&[b"\x02\x0f\x01\x03env\x06memory\x02\0\x01"]);
        let error = check(&bytes, Kind::Module).unwrap_err();
        assert_eq!(error.to_string(), "the module imports env.memory; it may import nothing",);
    }

    #[test]
    fn a_feature_that_the_jvm_does_not_have_is_refused() {
        // One global of type v128: SIMD.
        let mut global = vec![0x06, 22, 1, 0x7b, 0, 0xfd, 0x0c];
        global.extend_from_slice(&[0; 16]);
        global.push(0x0b);
        global[1] = u8::try_from(global.len() - 2).unwrap();
        let error = check(&module(&[&global]), Kind::Module).unwrap_err();
        assert!(error.to_string().contains("SIMD"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        assert!(check(b"not wasm", Kind::Module).is_err());
    }
}

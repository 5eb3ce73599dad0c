//! Which of a product's files are signatures, and of which other file.

/// Role of files that are signatures.
const ROLE: &str = "signature";
/// What signature files are called besides the file they sign.
const ENDINGS: [&str; 5] = [".minisig", ".sig", ".asc", ".edsig", ".sign"];

/// A file and a signature of it, by their places in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The file that is signed.
    pub file: usize,
    /// The file that is the signature.
    pub signature: usize,
}

/// What a signature's file signs by its name: `editor.zip` of `editor.zip.minisig`.
fn signed_name(name: &str) -> Option<&str> {
    let ending = ENDINGS.iter().find(|ending| name.ends_with(**ending))?;
    name.strip_suffix(ending).filter(|rest| !rest.is_empty())
}

/// The signatures among files, given as pairs of role and name. A file is one where its name says
/// so and what it signs is there too. Errors: a file of the role `signature` that signs nothing.
pub fn pairs(files: &[(&str, &str)]) -> Result<Vec<Pair>, String> {
    let mut pairs = Vec::new();
    for (signature, (role, name)) in files.iter().enumerate() {
        let signs = signed_name(name);
        let file = files.iter().position(|(_, other)| signs == Some(other));
        match (file, signs) {
            (Some(file), _) => pairs.push(Pair { file, signature }),
            (None, Some(missing)) if *role == ROLE => {
                return Err(format!(
                    "`{name}` is a signature of `{missing}`, which is no file of the product"
                ));
            }
            (None, None) if *role == ROLE => {
                let endings = ENDINGS.join(", ");
                return Err(format!(
                    "`{name}` does not tell what it signs: call it like the signed file, with one \
                     of {endings} behind"
                ));
            }
            (None, _) => {}
        }
    }
    Ok(pairs)
}

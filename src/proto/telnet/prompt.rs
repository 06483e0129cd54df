//! What the server's text asks for, and how it says yes or no.

/// What an unfinished line of the server waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// A command: `$`, `#`, `>`.
    Command,
    Other,
    Password,
    Username,
}

/// Words that ask for a name, at the end of a prompt.
const USERNAME: [&str; 24] = [
    "login",
    "login as",
    "login name",
    "logon",
    "username",
    "user name",
    "user",
    "userid",
    "user id",
    "account",
    "benutzername",
    "benutzer",
    "anmeldung",
    "utilisateur",
    "identifiant",
    "usuario",
    "usuário",
    "nome utente",
    "gebruikersnaam",
    "имя пользователя",
    "логин",
    "用户名",
    "ユーザー名",
    "사용자",
];

/// Words that ask for a password, anywhere in a prompt: `Password for tina:`.
const PASSWORD: [&str; 24] = [
    "password",
    "passwd",
    "passcode",
    "passphrase",
    "passwort",
    "kennwort",
    "mot de passe",
    "contraseña",
    "contrasena",
    "clave",
    "senha",
    "wachtwoord",
    "пароль",
    "密码",
    "口令",
    "パスワード",
    "암호",
    "hasło",
    "heslo",
    "lösenord",
    "adgangskode",
    "salasana",
    "parola",
    "jelszó",
];

const REFUSAL: [&str; 14] = [
    "incorrect",
    "failed",
    "failure",
    "denied",
    "invalid",
    "wrong",
    "bad password",
    "bad secrets",
    "bad username",
    "not authorized",
    "unauthorized",
    "falsch",
    "inválid",
    "неверн",
];

const WELCOME: [&str; 3] = ["last login", "welcome", "logged in"];

/// Longest line that is a prompt, in bytes.
const LONGEST: usize = 120;

/// What an unfinished line of the server waits for.
pub(super) fn prompt(line: &[u8]) -> Prompt {
    let text = plain(line);
    let text = text.trim();
    if text.len() > LONGEST {
        return Prompt::Other;
    }
    // Not of a device: `Username>` and the like are rare, and a shell's prompt may have any name.
    let asks = text.strip_suffix([':', '：', '?']).map(str::trim_end);
    if let Some(question) = asks {
        if PASSWORD.iter().any(|word| question.contains(word)) {
            return Prompt::Password;
        }
        let word_start = |word: &str| {
            let before = question.strip_suffix(word);
            before.is_some_and(|b| b.chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
        };
        if USERNAME.iter().any(|word| word_start(word)) && !question.contains("last login") {
            return Prompt::Username;
        }
    }
    if text.ends_with(['$', '#', '>', '%']) { Prompt::Command } else { Prompt::Other }
}

/// Whether a line says that a login was refused.
pub(super) fn refuses(line: &[u8]) -> bool {
    let text = plain(line);
    text.len() <= 4 * LONGEST && REFUSAL.iter().any(|word| text.contains(word)) && !text.contains("since last login")
}

/// Whether a line is one that follows a login that was let in.
pub(super) fn welcomes(line: &[u8]) -> bool {
    let text = plain(line);
    WELCOME.iter().any(|word| text.contains(word))
}

/// In lower case, without the control sequences of terminals (ECMA-48).
fn plain(line: &[u8]) -> String {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (0x1b, [b'[', sequence @ ..]) => {
                let end = sequence.iter().position(|b| (0x40..0x7f).contains(b));
                rest = end.and_then(|n| sequence.get(n + 1..)).unwrap_or_default();
            }
            (0x1b, [b']', title @ ..]) => {
                let end = title.iter().position(|b| *b == 7);
                rest = end.and_then(|n| title.get(n + 1..)).unwrap_or_default();
            }
            (0x1b, [_, after @ ..]) => rest = after,
            (b' '..=0x7e | 0x80.., _) => kept.push(*first),
            _ => {}
        }
    }
    String::from_utf8_lossy(&kept).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_told_apart() {
        for (line, expected) in [
            ("laptop login: ", Prompt::Username),
            ("Username:", Prompt::Username),
            ("Benutzername: ", Prompt::Username),
            ("Password: ", Prompt::Password),
            ("[sudo] password for tina: ", Prompt::Password),
            ("Contraseña: ", Prompt::Password),
            ("密码：", Prompt::Password),
            ("\x1b]0;me@host: ~\x07\x1b[01;32mme@host\x1b[00m:~$ ", Prompt::Command),
            ("sw01>", Prompt::Command),
            ("Last login: Mon Apr 22", Prompt::Other),
            ("the superuser:", Prompt::Other),
        ] {
            assert_eq!(prompt(line.as_bytes()), expected, "{line}");
        }
    }
}

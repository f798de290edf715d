//! Why a connection is over.

use std::fmt;

use rustls::{AlertDescription, CertificateError};

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The first byte was none of TLS.
    NotTls,
    /// The peer ended it with an alert.
    Alert(String),
    /// The certificate of the peer is not one to believe, or there is none.
    Certificate(String),
    /// There is no version, suite, group, certificate or application protocol that both sides speak.
    NothingInCommon(String),
    /// The peer broke the protocol, or a record was changed on its way.
    Protocol(String),
    /// The keys have encrypted as much as they may.
    KeysUsedUp,
    /// It was over before, or has not begun.
    Over,
    /// Something failed on this side.
    Internal(String),
}

impl Failure {
    /// A word for counters and logs: `not_tls`, `alert`, `certificate`, `nothing_in_common`, `protocol`, `keys_used_up`, `over`, `internal`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotTls => "not_tls",
            Self::Alert(_) => "alert",
            Self::Certificate(_) => "certificate",
            Self::NothingInCommon(_) => "nothing_in_common",
            Self::Protocol(_) => "protocol",
            Self::KeysUsedUp => "keys_used_up",
            Self::Over => "over",
            Self::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Alert(alert) => write!(f, "the peer ended it: {alert}"),
            Self::Certificate(problem) => write!(f, "the certificate of the peer: {problem}"),
            Self::NothingInCommon(problem) | Self::Protocol(problem) | Self::Internal(problem) => {
                f.write_str(problem)
            }
            Self::KeysUsedUp => f.write_str("the keys have encrypted as much as they may"),
            Self::Over => f.write_str("the connection is over"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<rustls::Error> for Failure {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::AlertReceived(alert) => Self::Alert(name(alert)),
            E::NoCertificatesPresented => Self::Certificate("there is none".to_owned()),
            E::InvalidCertificate(problem) => Self::Certificate(problem_text(&problem)),
            E::InvalidCertRevocationList(problem) => {
                Self::Certificate(format!("revocation list: {problem:?}"))
            }
            E::PeerIncompatible(_) | E::NoApplicationProtocol => Self::NothingInCommon(error.to_string()),
            E::HandshakeNotComplete
            | E::EncryptError
            | E::FailedToGetCurrentTime
            | E::FailedToGetRandomBytes => Self::Internal(error.to_string()),
            // What a resolver that has no certificate gives.
            E::General(problem) => Self::NothingInCommon(problem),
            other => Self::Protocol(other.to_string()),
        }
    }
}

/// `HandshakeFailure` as the words of the RFC: `handshake_failure`.
fn name(alert: AlertDescription) -> String {
    let mut text = String::new();
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn problem_text(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".to_owned()
        }
        CertificateError::Revoked => "was revoked".to_owned(),
        CertificateError::UnknownIssuer => "is of an authority that is not believed".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".to_owned()
        }
        CertificateError::UnknownRevocationStatus => "is covered by no revocation list".to_owned(),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "its revocation list is too old".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_rfc() {
        let failure = Failure::from(rustls::Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!(failure.kind(), "alert");
        assert_eq!(
            Failure::from(rustls::Error::AlertReceived(AlertDescription::BadCertificate)).to_string(),
            "the peer ended it: bad_certificate"
        );
    }
}

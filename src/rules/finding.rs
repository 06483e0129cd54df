//! Making findings.

use super::engine::{Context, Matcher};
use super::mask;
use crate::model::event::Outcome;
use crate::model::finding::{Bulk, Confidence, Finding, FindingId, RuleIndex, Severity};
use crate::model::flow::{Direction, Flow};
use crate::model::packet::Span;
use crate::model::why::Why;

/// What was found, before it becomes a finding.
pub(super) struct Found<'a> {
    pub(super) rule: RuleIndex,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) direction: Direction,
    pub(super) field: &'a str,
    pub(super) username: Option<&'a [u8]>,
    pub(super) value: Evidence<'a>,
    pub(super) outcome: Option<Outcome>,
    pub(super) why: Why,
    pub(super) note: Option<String>,
    pub(super) span: Span,
}

/// What tells one finding of a rule from another.
pub(super) enum Evidence<'a> {
    /// A value, shown masked; the clear form shown with `reveal` may be a part of it.
    Secret(&'a [u8]),
    /// A public fact.
    Fact(&'a str),
    /// Many values, counted; and whether they were told of before, and have only grown: no sighting of its own.
    Many(Bulk, bool),
}

impl Matcher {
    /// Makes the finding, unless the operator wants none so mild or so unsure.
    pub(super) fn report(&self, at: &Context<'_>, found: Found<'_>, out: &mut dyn FnMut(Finding)) {
        let options = &self.options;
        if found.severity < options.min_severity || found.confidence < options.min_confidence {
            return;
        }
        let rule = self.catalogue.rule(found.rule);
        let (value, fact, bulk, count) = match found.value {
            Evidence::Secret(secret) => {
                (Some(mask::value(secret, rule.mask, &options.key, options.reveal)), "", None, 1)
            }
            Evidence::Fact(fact) => (None, fact, None, 1),
            Evidence::Many(bulk, again) => (None, "", Some(Box::new(bulk)), u64::from(!again)),
        };
        let flow = at.flow;
        let evidence = value.as_ref().map_or(fact, |value| &value.fingerprint);
        let id = self.identity(flow, found.rule, found.field, found.username.unwrap_or_default(), evidence);
        let username = found.username.filter(|name| !name.is_empty()).map(|name| {
            let name = String::from_utf8_lossy(name);
            if options.mask_users { mask::masked(&name, super::Mask::All) } else { name.into_owned() }
        });
        out(Finding {
            id,
            rule: found.rule,
            severity: found.severity,
            confidence: found.confidence,
            flow: flow.id,
            protocol: at.protocol,
            transport: flow.transport,
            client: flow.client,
            server: flow.server,
            server_name: at.server_name.map(str::to_owned),
            tunnel: flow.tunnel,
            direction: found.direction,
            field: found.field.to_owned(),
            username,
            value,
            outcome: found.outcome,
            why: found.why,
            note: found.note,
            bulk,
            span: found.span,
            count,
            seen: found.span,
        });
    }

    /// A finding with a value and without an account, again in the same content in another place.
    pub fn again(&self, at: &Context<'_>, finding: &Finding, span: Span) -> Finding {
        let flow = at.flow;
        let evidence = finding.value.as_ref().map_or("", |value| &value.fingerprint);
        Finding {
            id: self.identity(flow, finding.rule, &finding.field, b"", evidence),
            flow: flow.id,
            protocol: at.protocol,
            transport: flow.transport,
            client: flow.client,
            server: flow.server,
            server_name: at.server_name.map(str::to_owned),
            tunnel: flow.tunnel,
            span,
            seen: span,
            ..finding.clone()
        }
    }

    /// What makes a finding distinct.
    fn identity(&self, flow: &Flow, rule: RuleIndex, field: &str, username: &[u8], evidence: &str) -> FindingId {
        FindingId(self.options.key.digest(&[
            self.catalogue.rule(rule).id.as_bytes(),
            flow.client.ip.to_string().as_bytes(),
            flow.server.to_string().as_bytes(),
            flow.transport.name().as_bytes(),
            field.as_bytes(),
            username,
            evidence.as_bytes(),
        ]))
    }
}

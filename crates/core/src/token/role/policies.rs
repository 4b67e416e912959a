//! Which policies a token gets that is made by a role. A role with lists decides by them alone; one without leaves the
//! decision to the rules for everybody.

use strongroom_engine::{Error, Result};
use strongroom_types::glob_fits;

use super::Role;
use crate::acl;

impl Role {
    /// Whether the role has a rule about policies at all.
    pub fn has_policy_lists(&self) -> bool {
        self.has_allowed() || !self.disallowed_policies.is_empty() || !self.disallowed_policies_glob.is_empty()
    }

    fn has_allowed(&self) -> bool {
        !self.allowed_policies.is_empty() || !self.allowed_policies_glob.is_empty()
    }

    /// The policies of the new token, sorted. `wanted` is what the request names, `parent` what the caller has.
    /// SECURITY: whether `root` may be among them is the caller's to check.
    /// Errors: `Invalid` when the lists do not permit it.
    pub fn choose(&self, wanted: &[String], parent: &[String], no_default: bool) -> Result<Vec<String>> {
        let with_default = !no_default && !self.no_default_policy && !self.disallows(acl::DEFAULT);
        let given = |names: &[String]| sorted(names, with_default);
        let policies = match (wanted, self.has_allowed()) {
            ([], true) => given(&self.allowed_policies),
            ([], false) => given(parent),
            _ => given(wanted),
        };
        if self.has_allowed() && !policies.iter().all(|name| (with_default && name == acl::DEFAULT) || self.allows(name)) {
            return Err(Error::invalid("token policies must be subset of the role's allowed policies or glob policies"));
        }
        if policies.iter().any(|name| self.disallows(name)) {
            return Err(Error::invalid("a token policy is disallowed by this role"));
        }
        Ok(policies)
    }

    fn allows(&self, name: &str) -> bool {
        is_in(name, &self.allowed_policies, &self.allowed_policies_glob)
    }

    fn disallows(&self, name: &str) -> bool {
        is_in(name, &self.disallowed_policies, &self.disallowed_policies_glob)
    }
}

fn is_in(name: &str, names: &[String], globs: &[String]) -> bool {
    names.iter().any(|n| n == name) || globs.iter().any(|pattern| glob_fits(pattern, name))
}

fn sorted(names: &[String], with_default: bool) -> Vec<String> {
    let mut names = names.to_vec();
    if with_default && !names.iter().any(|n| n == acl::ROOT) {
        names.push(acl::DEFAULT.to_owned());
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::Role;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// As the reference answers; the parent has `default` and `maker`.
    fn check(role: &Role, wanted: &str, no_default: bool, expected: Option<&str>) {
        let chosen = role.choose(&names(wanted), &names("default maker"), no_default).ok();
        assert_eq!(chosen, expected.map(names), "{role:?} {wanted}");
    }

    #[test]
    fn allowed_policies_bound_what_is_asked_for_and_stand_in_for_nothing() {
        let role = Role { allowed_policies: names("x y"), ..Role::default() };
        check(&role, "", false, Some("default x y"));
        check(&role, "", true, Some("x y"));
        check(&role, "x", false, Some("default x"));
        check(&role, "x default", true, None);
        check(&role, "z", false, None);
        check(&role, "root", false, None);
    }

    #[test]
    fn patterns_allow_and_give_nothing_by_themselves() {
        let role = Role { allowed_policies_glob: names("x*"), ..Role::default() };
        check(&role, "", false, Some("default"));
        check(&role, "x1 default", false, Some("default x1"));
        check(&role, "z", false, None);
    }

    #[test]
    fn disallowed_policies_are_refused_and_default_is_left_out_unless_asked_for() {
        let role = Role { disallowed_policies: names("x default"), ..Role::default() };
        check(&role, "z", false, Some("z"));
        check(&role, "x", false, None);
        check(&role, "default", false, None);
        check(&role, "", false, None);
        let role = Role { disallowed_policies_glob: names("x*"), ..Role::default() };
        check(&role, "", false, Some("default maker"));
        check(&role, "x1", false, None);
        let role = Role { allowed_policies_glob: names("*"), disallowed_policies: names("bad"), ..Role::default() };
        check(&role, "bad", false, None);
        check(&role, "good", false, Some("default good"));
    }

    #[test]
    fn a_role_may_leave_the_default_policy_out() {
        let role = Role { allowed_policies: names("x"), no_default_policy: true, ..Role::default() };
        check(&role, "", false, Some("x"));
    }

    #[test]
    fn a_role_without_lists_has_no_say() {
        assert!(!Role::default().has_policy_lists());
        assert!(Role { disallowed_policies_glob: names("*"), ..Role::default() }.has_policy_lists());
    }
}

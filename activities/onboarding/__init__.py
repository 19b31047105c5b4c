"""An onboarding's steps: one module each, over what `desk.Desk` holds; `steps.Onboardings` is what Temporal knows."""

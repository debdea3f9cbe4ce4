"""Pricing on paper: what terms and usage come to, asked and answered without storing anything (ADR 0042).

Owns nothing, hears nothing and says nothing.
"""

//! Whole runs over small repositories.

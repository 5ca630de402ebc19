// Pango, cairo and cairo's PDF surface.
#pragma once
#include <cairo.h>
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

// g_object_unref takes any pointer and is a macro in some versions of GLib.
static inline void billwright_release_object(void *object) { g_object_unref(object); }

// A macro of Pango's that Swift does not see.
static inline int billwright_pango_scale(void) { return PANGO_SCALE; }

/* study/picture_figures.h: what the first seed's models look like: components, and loadings of all neurons. */
#ifndef STUDY_PICTURE_FIGURES_H
#define STUDY_PICTURE_FIGURES_H

#include "store/file.h"

/* Writes the components of a model as pictures, those that explain most of the input first, each with the
 * classes that have most of it; nothing where the input is no picture. run: the folder of a run with capture/
 * and fit/. name: of the network, escaped. Errors: E_NOT_FOUND, E_FORMAT, E_IO, E_MEMORY. */
peek_status peek__components_write(peek_context *context, peek__file *file, const char *run, int64_t rank,
                                   const char *name);

/* Writes the loadings of every layer as a picture: components down, neurons across as they are stored; the
 * square root of each divided by the layer's largest, white the largest. */
peek_status peek__loadings_write(peek_context *context, peek__file *file, const char *run, int64_t rank,
                                 const char *name);

#endif

import { Module } from '@nestjs/common';
import { StoriesComponent } from './stories.component.js';

@Module({ providers: [StoriesComponent], exports: [StoriesComponent] })
export class StoriesModule {}
